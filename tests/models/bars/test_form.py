"""Form: the opening comes back; a long piece neither drifts nor falls silent; a path of emotions changes the music on the way."""

from dataclasses import replace

import numpy as np
import pytest

from klangbild.emotion.space import Emotion
from klangbild.errors import UsageError
from klangbild.models.bars.engine import compose_notes
from klangbild.models.bars.form import plan_form
from klangbild.models.bars.weights import load_notes_model
from klangbild.music.key import estimate_key
from klangbild.music.midi import to_midi_bytes
from klangbild.music.piece import Piece, Track, make_notes
from klangbild.settings import Settings


@pytest.fixture(scope="module")
def model():
    return load_notes_model(None, "continuous_concat").model


def test_plans():
    for n in range(1, 40):
        letters = plan_form(n)
        assert len(letters) == n and letters[0] == "A" and (n < 3 or letters.count("A") < n)
        assert n not in (2, 3, 4) or letters[-1] == "A"  # what is short ends with its opening
        if n >= 4:
            assert letters[:4] == ("A", "A", "B", "A")
            assert set(letters[3::3]) == {"A"}  # the opening comes back between all episodes
            assert "A" not in (*letters[4::3], *letters[5::3])


def bars_of(piece, first: int, n: int) -> list[tuple]:
    """The notes of some bars as (family, onset within them, pitch)."""
    starts = [*piece.bar_starts(), piece.end_beats]
    begin, end = starts[first], starts[first + n]
    found = []
    for family, notes in piece.by_family().items():
        inside = notes[(notes["onset"] >= begin - 1e-6) & (notes["onset"] < end - 1e-6)]
        found += [(family, round(float(note["onset"] - begin), 3), int(note["pitch"])) for note in inside]
    return sorted(found)


def same_where_both_play(piece, first: int, second: int) -> bool:
    """Whether two bars have the same notes in the parts that play in both."""
    one, other = (bars_of(piece, bar, 1) for bar in (first, second))
    both = {name for name, *_ in one} & {name for name, *_ in other}
    return bool(both) and [n for n in one if n[0] in both] == [n for n in other if n[0] in both]


def test_the_opening_returns_note_for_note_and_with_more_players(model):
    more = free = 0
    for seed in range(2):
        piece = compose_notes(Emotion(0.3, 0.1), Settings(bars=33, drafts=0), seed, model=model).piece
        first, second, third, episode = (set(bars_of(piece, bar, 4)) for bar in (0, 8, 24, 16))
        assert first <= second and (third <= second or second <= third) and not first <= episode
        more += len(first) < 0.9 * len(second)
        assert all(same_where_both_play(piece, bar, bar + 24) for bar in (4, 5))  # six bars, and of the answer four
        free += not all(same_where_both_play(piece, bar, bar + 8) for bar in (4, 5))
    assert more >= 1 and free >= 1


def test_a_short_piece_answers_its_opening_with_its_opening(model):
    for seed in range(2):
        piece = compose_notes(Emotion(0.3, 0.1), Settings(bars=17, drafts=0), seed, model=model).piece
        first, answer = (set(bars_of(piece, bar, 4)) for bar in (0, 8))
        assert first <= answer


def test_a_loop_neither_slows_down_nor_begins_with_few(model):
    for seed in range(3):
        loop, other = (
            compose_notes(Emotion(0.1, -0.9), Settings(bars=17, loop=loop, drafts=0), seed, model=model).piece
            for loop in (True, False)
        )
        assert len(loop.tempos) == 1 < len(other.tempos)
        opening = {name for name, *_ in bars_of(loop, 0, 2)}
        assert opening == {name for name, *_ in bars_of(loop, 0, 8)} >= {name for name, *_ in bars_of(other, 0, 2)}


@pytest.mark.parametrize("bpm", [30.0, 83.0, 100.0, 137.0])
def test_a_piece_that_goes_on_keeps_its_tempo(model, tmp_path, bpm):
    notes = make_notes(np.arange(16.0), [1.0] * 16, [60, 64, 67, 72] * 4, [80] * 16)
    first = Piece((Track("piano", 0, notes),), tempos=((0.0, bpm),), length_beats=16.0)
    (tmp_path / "first.mid").write_bytes(to_midi_bytes(first))
    settings = Settings(seconds=6, continue_from=str(tmp_path / "first.mid"))
    piece = compose_notes(Emotion(0.2, 0.1), settings, 3, model=model).piece
    assert (
        piece.tempos == ((0.0, pytest.approx(bpm, abs=1e-3)),)
        and abs(piece.seconds - first.seconds - 6) <= 120.0 / bpm + 1e-6
    )


def test_a_piece_that_goes_on_keeps_its_mode(model, tmp_path):
    notes = make_notes(np.arange(16.0), [1.0] * 16, [60, 64, 67, 72] * 4, [80] * 16)
    (tmp_path / "first.mid").write_bytes(to_midi_bytes(Piece((Track("piano", 0, notes),), length_beats=16.0)))
    settings = Settings(seconds=3, continue_from=str(tmp_path / "first.mid"), key="D")
    piece = compose_notes(Emotion(0.2, 0.1), settings, 3, model=model).piece
    assert str(piece.key) == "C major" and piece.tracks[0].notes["pitch"][:16].tolist() == notes["pitch"].tolist()
    new = Piece(tuple(replace(t, notes=t.notes[t.notes["onset"] >= 16]) for t in piece.tracks))
    assert str(estimate_key(new)) == "D major"  # the new bars are in the key that was asked for
    with pytest.raises(UsageError, match=r"--key F# minor: first\.mid is in C major, and a piece keeps its mode"):
        compose_notes(Emotion(0.2, 0.1), replace(settings, key="F# minor"), 3, model=model)


@pytest.mark.parametrize(
    "wish", [{"min_instruments": 6}, {"instruments": ("drums", "pad")}, {"instruments": ("drums", "piano")}]
)
def test_who_is_due_enters_after_the_bars_given(model, tmp_path, wish):
    """Strings end the file; drums and piano stand before them in the order of notes."""
    notes = make_notes(np.arange(16.0), [1.0] * 16, [60, 64, 67, 72] * 4, [80] * 16)
    (tmp_path / "first.mid").write_bytes(to_midi_bytes(Piece((Track("strings", 48, notes),), length_beats=16.0)))
    for seconds in (2, 10):
        settings = Settings(seconds=seconds, continue_from=str(tmp_path / "first.mid"), **wish)
        piece = compose_notes(Emotion(0.2, 0.1), settings, 3, model=model).piece
        assert len(piece.families) >= settings.min_instruments and set(settings.instruments or ()) <= set(
            piece.families
        )


def test_three_minutes_do_not_drift_or_fall_silent(model):
    piece = compose_notes(Emotion(0.2, -0.1), Settings(seconds=180, drafts=0), 2, model=model).piece
    assert abs(piece.seconds - 180) < 8 and len(piece.meters) == 1
    assert (
        len({bpm for beat, bpm in piece.tempos if beat < piece.bar_starts()[-2]}) <= 2
    )  # the piece's own, and that of its breaths
    onsets = np.sort(np.concatenate([t.notes["onset"] for t in piece.tracks]))
    gaps = np.diff(piece.beats_to_seconds(onsets))
    assert gaps.max() < 6.0, "silence in the middle"
    seconds = piece.beats_to_seconds(onsets)
    per_quarter = np.histogram(seconds, bins=4, range=(0, 180))[0]
    assert per_quarter.min() > 0.2 * per_quarter.max()


def test_a_path_changes_the_music_on_the_way(model):
    """From calm and sad to excited and glad: the second half is faster and louder in most of several seeds."""
    faster = louder = 0
    for seed in range(3):
        settings = Settings(seconds=60, path="0:-0.8,-0.8 25:-0.8,-0.8 30:0.8,0.9", drafts=0)
        piece = compose_notes(Emotion(-0.8, -0.8), settings, seed, model=model).piece
        closing = piece.bar_starts()[-2]  # the last two bars slow down
        first, last = piece.tempos[0][1], [bpm for beat, bpm in piece.tempos if beat <= closing][-1]
        notes = np.sort(np.concatenate([t.notes for t in piece.tracks]), order="onset")
        half = len(notes) // 2
        faster += last > first
        louder += notes["velocity"][half:].mean() > notes["velocity"][:half].mean()
    assert faster >= 2 and louder >= 2
