"""Parts are given to players: no note is lost, voices stay near themselves, and what was given keeps its length."""

import numpy as np

from klangbild.music.piece import Piece, Track, make_notes
from klangbild.music.players import in_voices, parted, tune_and_chords


def notes_of(*rows: tuple[float, float, int]) -> np.ndarray:
    """From (onset, duration, pitch)."""
    onset, duration, pitch = zip(*rows, strict=True)
    return make_notes(onset, duration, pitch, [80] * len(rows))


DUET = notes_of(
    *[(i, 1.0, p) for i in range(8) for p in (60 + i % 3, 76 - i % 2)], *[(8.0 + i, 1.0, 74) for i in range(3)]
)


def test_two_voices_are_two_voices():
    upper, lower = in_voices(DUET)
    assert upper["pitch"].min() >= 74 and lower["pitch"].max() <= 62 and len(upper) + len(lower) == len(DUET)
    assert len(in_voices(upper)) == 1


def test_no_note_is_lost():
    rng = np.random.default_rng(0)
    rows = [
        (float(i), 1.0, int(p))
        for i in range(40)
        for p in rng.choice(np.arange(50, 80), rng.integers(1, 7), replace=False)
    ]
    notes = notes_of(*rows)
    voices = in_voices(notes)
    assert 1 < len(voices) <= 4
    assert sorted(map(tuple, np.concatenate(voices).tolist())) == sorted(map(tuple, notes.tolist()))


def test_a_tune_on_chords_gets_a_player_of_its_own():
    chords = [(float(i), 1.0, p) for i in range(8) for p in (48, 52, 55, 72 + i)]
    strings = Track("strings", 48, notes_of(*chords, *[(8.0 + i, 1.0, 50) for i in range(4)]))
    tune, rest = parted(Piece((strings,))).tracks
    assert tune.notes["pitch"].tolist() == list(range(72, 80)) and set(rest.notes["pitch"].tolist()) == {48, 50, 52, 55}
    piano = Track("piano", 0, strings.notes)  # one player, two hands
    assert parted(Piece((piano,))).tracks == (piano,)
    assert len(tune_and_chords(tune.notes)) == 1


def test_a_voice_ends_where_its_next_note_begins_but_for_given_ones():
    winds = Track("winds", 73, notes_of((0, 2, 72), (1, 2, 74), (2, 2, 76), (3, 2, 77)))
    assert parted(Piece((winds,))).tracks[0].notes["duration"].tolist() == [1, 1, 1, 2]
    assert parted(Piece((winds,)), 2.0).tracks[0].notes["duration"].tolist() == [2, 2, 1, 2]
