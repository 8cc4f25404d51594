"""Music without loudness gets some, always the same, and louder where it is denser, higher and on the beat."""

import numpy as np

from klangbild.models.bars.data.dynamics import LOUDEST, SOFTEST, is_flat, with_dynamics
from klangbild.music.piece import Piece, Track, make_notes


def score(per_bar, pitches=None, velocity=80, bpm=100.0):
    """Bars of 4/4 with so many even notes each, at one velocity."""
    rows = [
        (4.0 * bar + 4.0 * i / count, 4.0 / count, (pitches or [60] * len(per_bar))[bar] + i % 3, velocity)
        for bar, count in enumerate(per_bar)
        for i in range(count)
    ]
    return Piece((Track("piano", 0, make_notes(*zip(*rows, strict=True))),), tempos=((0.0, bpm),))


def bar_means(piece):
    notes = piece.tracks[0].notes
    bars = (notes["onset"] // 4).astype(int)
    return np.array([notes["velocity"][bars == bar].mean() for bar in np.unique(bars)])


def test_only_flat_music_is_flat():
    assert is_flat(score([4] * 8))
    played = score([4] * 8)
    played.tracks[0].notes["velocity"] = 60 + np.arange(32)
    assert not is_flat(played)
    assert not is_flat(Piece(()))


def test_same_file_same_loudness_and_another_another():
    piece = score([4, 8, 2, 4] * 4)
    one, again, other = (with_dynamics(piece, seed).tracks[0].notes["velocity"] for seed in (b"a", b"a", b"b"))
    assert (one == again).all() and not (one == other).all()
    assert one.min() >= SOFTEST and one.max() <= LOUDEST and len(np.unique(one)) >= 8


def test_denser_and_higher_bars_are_louder():
    dense = bar_means(with_dynamics(score([2] * 8 + [8] * 8), b"x"))
    assert dense[9:].mean() > dense[:7].mean() + 5
    high = bar_means(with_dynamics(score([4] * 16, pitches=[50] * 8 + [74] * 8), b"x"))
    assert high[9:].mean() > high[:7].mean() + 5


def test_quick_music_is_louder_than_slow():
    quick, slow = (with_dynamics(score([4] * 8, bpm=bpm), b"x").tracks[0].notes["velocity"] for bpm in (200.0, 60.0))
    assert quick.mean() > slow.mean() + 5


def test_beats_are_accented():
    notes = with_dynamics(score([16] * 8), b"x").tracks[0].notes
    place = notes["onset"] % 4
    first, off = notes["velocity"][place == 0], notes["velocity"][np.isin(place, (0.25, 1.25, 2.25, 3.25))]
    assert first.mean() > off.mean() + 3


def test_everything_but_loudness_stays():
    piece = score([4, 3, 2, 1] * 2)
    louder = with_dynamics(piece, b"x")
    for name in ("onset", "duration", "pitch"):
        assert (louder.tracks[0].notes[name] == piece.tracks[0].notes[name]).all()
    assert (piece.tracks[0].notes["velocity"] == 80).all()


def test_balance_between_instruments_stays():
    piece = score([4, 8] * 4)
    loud = Track("strings", 48, piece.tracks[0].notes.copy())
    loud.notes["velocity"] = 100
    found = with_dynamics(Piece((*piece.tracks, loud), tempos=piece.tempos), b"x")
    piano, strings = (t.notes["velocity"].astype(int) for t in found.tracks)
    assert abs((strings - piano).mean() - 20) < 3
