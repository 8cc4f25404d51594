"""Whatever is drawn from the mask is a valid piece that obeys its rules: the worst model there is (a die) shows it."""

from dataclasses import replace

import numpy as np
import pytest

from klangbild.errors import UsageError
from klangbild.models.bars import language as bars
from klangbild.models.bars.language import BarsLanguage
from klangbild.music.families import FAMILY_NAMES
from klangbild.music.rules import Rules
from klangbild.music.timing import Timing

LANGUAGE = BarsLanguage()


def roll(rules: Rules, seed: int, *, finish_at: int | None = None) -> np.ndarray:
    """A piece by rolling dice over the allowed ids (kinds first, so that bars do end)."""
    rng = np.random.default_rng(seed)
    state = LANGUAGE.start(rules)
    ids = [bars.BOS]
    while not state.done:
        allowed = np.flatnonzero(LANGUAGE.allowed(state, rules))
        assert len(allowed), f"no way on after {ids[-8:]}"
        kinds = np.searchsorted(
            [3, bars.TEMPO_0, bars.POSITION_0, bars.NOTE_0, bars.DURATION_0, bars.VELOCITY_0], allowed, "right"
        )
        kind = rng.choice(np.unique(kinds))
        token = int(rng.choice(allowed[kinds == kind]))
        LANGUAGE.advance(state, token)
        ids.append(token)
        if finish_at and len(ids) == finish_at:
            state.finish()
        assert len(ids) < 30_000, "does not end"
    return np.array(ids)


@pytest.mark.parametrize("seed", range(40))
def test_random_walks_obey_their_rules(seed):
    rng = np.random.default_rng(1000 + seed)
    families = tuple(f for f in FAMILY_NAMES if rng.random() < 0.7) or ("piano",)
    required = tuple(rng.permutation(families)[: rng.integers(0, min(4, len(families)) + 1)].tolist())
    meter = bars.METERS[rng.integers(len(bars.METERS))] if rng.random() < 0.5 else None
    by_bars = rng.random() < 0.5
    rules = Rules(
        families=families,
        required=required,
        min_instruments=int(rng.integers(1, len(families) + 1)),
        mode=[None, "major", "minor"][rng.integers(3)],
        tempo_bpm=float(rng.integers(40, 240)) if rng.random() < 0.5 else None,
        meter=meter,
        bars=int(rng.integers(1, 20)) if by_bars else None,
        seconds=None if by_bars else float(rng.uniform(2, 40)),
        timing=Timing(0.7, 0.06) if rng.random() < 0.5 else Timing(),
    )
    ids = roll(rules, seed)
    piece = LANGUAGE.decode(ids)
    n_bars = int(((ids >= bars.BAR_0) & (ids < bars.TEMPO_0)).sum())
    assert set(piece.families) <= set(families)
    assert set(required) <= set(piece.families)
    assert len(piece.families) >= rules.min_instruments
    if meter:
        assert {m[1:] for m in piece.meters} == {meter}
    assert len(piece.meters) == 1 and len(piece.tempos) == 1
    if rules.mode:
        assert piece.key.mode == rules.mode
    if by_bars:
        assert n_bars == rules.bars
    else:
        bpm = rules.tempo_bpm or piece.tempos[0][1]
        bar_s = piece.length_beats / n_bars * 60 / bpm
        assert (
            abs((n_bars + rules.timing.extra_bars(n_bars, piece.length_beats / n_bars)) * bar_s - rules.seconds)
            <= bar_s
        )
        if rules.seconds > 2 * bar_s:
            in_tempo = replace(piece, tempos=((0.0, bpm),))
            assert rules.timing.of(in_tempo).seconds == pytest.approx(rules.seconds, abs=0.6 * bar_s)
    assert ids[-1] == bars.EOS
    again = LANGUAGE.decode(ids)
    assert np.array_equal(again.tracks[0].notes, piece.tracks[0].notes)


@pytest.mark.parametrize("bars_asked", [1, 2, 3, 5])
def test_no_dead_end_when_everything_is_due_at_once(bars_asked):
    families = ("drums", "mallet", "organ", "guitar", "strings", "winds")
    for seed in range(100):
        required = families[: seed % 7]
        rules = Rules(
            families=families, required=required, min_instruments=6, mode="minor", meter=(3, 8), bars=bars_asked
        )
        piece = LANGUAGE.decode(roll(rules, seed))
        assert set(piece.families) == set(families)


def test_what_is_drawn_is_spelt_as_encode_would_spell_it():
    """Grammatical ids -> piece -> ids keeps every note, tempo, meter and length (velocities and modes aside)."""
    for seed in range(10):
        piece = LANGUAGE.decode(roll(Rules(bars=9), seed))
        again = LANGUAGE.decode(LANGUAGE.encode(piece))
        assert [len(t.notes) for t in again.tracks] == [len(t.notes) for t in piece.tracks]
        assert all(
            np.array_equal(a.notes["onset"], b.notes["onset"]) for a, b in zip(again.tracks, piece.tracks, strict=True)
        )
        assert again.length_beats == piece.length_beats


def test_encoded_music_is_grammatical():
    """A piece that `encode` wrote walks through the automaton, save for wishes that only our own pieces obey."""
    piece = LANGUAGE.decode(roll(Rules(bars=16, max_notes_at_once=30, max_notes_per_second=500), 3))
    ids = LANGUAGE.encode(piece)
    rules = Rules(max_notes_at_once=100, max_notes_per_second=10_000)
    state = LANGUAGE.start(rules)
    for token in ids[1:]:
        allowed = LANGUAGE.allowed(state, rules)
        if bars.BAR_0 <= token < bars.TEMPO_0:  # two empty bars in a row are real music, but not ours
            assert allowed[bars.BAR_0 : bars.TEMPO_0].any() or state.empty_bars
        else:
            assert allowed[token] or token == bars.EOS, (token, state.last)
        LANGUAGE.advance(state, int(token))


def test_finish_ends_within_two_bars_with_the_tonic():
    for seed in range(5):
        ids = roll(Rules(bars=500), seed, finish_at=200)
        piece = LANGUAGE.decode(ids)
        last_bar = piece.bar_starts()[-1]
        pitched = [t.notes for t in piece.tracks if not t.is_drum]
        final = np.concatenate([n[n["onset"] >= last_bar - 1e-9] for n in pitched])
        assert len(final)
        assert set(final["pitch"] % 12) <= ({0, 4, 7} if ids_mode(ids) == 0 else {9, 0, 4})


def ids_mode(ids: np.ndarray) -> int:
    """0 major, 1 minor: of the last bar."""
    return int((ids[(ids >= bars.BAR_0) & (ids < bars.TEMPO_0)][-1] - bars.BAR_0) % 2)


def test_impossible_wishes_are_refused_before_any_work():
    with pytest.raises(UsageError, match="min-instruments 5"):
        Rules(families=("piano",), min_instruments=5)
    with pytest.raises(UsageError, match="organ"):
        Rules(families=("piano",), required=("organ",))
    with pytest.raises(UsageError, match="17/4"):
        LANGUAGE.start(Rules(meter=(17, 4)))
