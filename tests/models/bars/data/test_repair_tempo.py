"""Tempo maps and meters are mended without changing when anything sounds."""

import numpy as np

from klangbild.models.bars.data.repair_tempo import mend, mend_meters, on_grid, scale_beats, trim_silence
from klangbild.music.piece import Piece, Track, make_notes


def piece(onsets, *, bpm=120.0, meters=((0.0, 4, 4),)) -> Piece:
    n = len(onsets)
    return Piece((Track("piano", 0, make_notes(onsets, [0.25] * n, [60] * n, [80] * n)),), ((0.0, bpm),), meters)


def seconds(p: Piece) -> np.ndarray:
    return p.beats_to_seconds(p.tracks[0].notes["onset"])


def test_slow_and_fast_beats_come_into_range():
    for bpm, expected in ((12.0, 96.0), (480.0, 120.0), (100.0, 100.0)):
        before = piece(np.arange(8) * 0.5, bpm=bpm)
        repair = mend(before)
        assert repair.piece.tempos[0][1] == expected
        assert np.allclose(seconds(repair.piece), seconds(before))


def test_odd_meters_become_four_four_and_six_eight_stays():
    mended, replaced = mend_meters(piece(np.arange(40.0), meters=((0.0, 64, 128), (8.0, 6, 8), (20.0, 3, 4))))
    assert [m[1:] for m in mended.meters] == [(4, 4), (6, 8), (3, 4)]
    assert replaced == 1
    pickup, _ = mend_meters(piece(np.arange(40.0), meters=((0.0, 1, 4), (1.0, 4, 4))))
    assert pickup.meters[0][1:] == (1, 4)  # a short upbeat may stand
    exporter, _ = mend_meters(piece(np.arange(40.0), meters=((0.0, 1, 4),)))
    assert exporter.meters == ((0.0, 4, 4),)


def test_silence_before_the_music_goes_bar_by_bar():
    trimmed = trim_silence(piece(np.arange(9.0, 20.0)))
    assert trimmed.tracks[0].notes["onset"][0] == 1.0


def test_grid_test_knows_a_grid_from_none():
    rng = np.random.default_rng(0)
    assert on_grid(piece(np.sort(rng.integers(0, 400, 200)) / 4.0))
    assert not on_grid(piece(np.sort(rng.random(200) * 100.0)))
    assert on_grid(scale_beats(piece(np.arange(100) * 0.5), 2.0))
