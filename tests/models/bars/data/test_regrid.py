"""Music whose beat was hidden is found again: its pulse, its tempo up to a metrical level, its bars."""

from dataclasses import replace

import numpy as np

from klangbild.models.bars.data.regrid import regrid
from klangbild.models.bars.data.repair_tempo import on_grid
from klangbild.music.piece import Piece, Track, make_notes


def band(bpm: float, *, bars: int = 24, drift: float = 0.0, jitter_s: float = 0.0, start_s: float = 0.7) -> Piece:
    """Rock drums, bass on one and three, eighths above, played in seconds and written at a meaningless 120 bpm."""
    rng = np.random.default_rng(3)
    rows = {"drums": [], "bass": [], "piano": []}
    for bar in range(bars):
        at = 4.0 * bar
        rows["drums"] += [(at + b, 36) for b in (0, 2, 2.5)] + [(at + b, 38) for b in (1, 3)]
        rows["drums"] += [(at + e / 2, 42) for e in range(8)]
        rows["bass"] += [(at + b, 36 + 5 * (bar % 2)) for b in (0, 1.5, 2)]
        rows["piano"] += [(at + e / 4, 60 + int(rng.integers(0, 12))) for e in range(16) if rng.random() < 0.6]
    tracks = []
    for family, notes in rows.items():
        beats = np.array([b for b, _ in notes])
        seconds = start_s + beats * 60.0 / bpm * (1.0 + drift * beats / (4.0 * bars))
        seconds = seconds + rng.normal(0, jitter_s, len(seconds))
        columns = (seconds * 2.0, [0.2] * len(notes), [p for _, p in notes], [80] * len(notes))
        tracks.append(Track(family, {"bass": 32}.get(family, 0), make_notes(*columns)))
    return Piece(tuple(tracks))


def test_steady_playing_is_found_exactly():
    found = regrid(band(97.0))
    assert found.piece is not None, found.why
    assert abs(found.piece.tempos[0][1] - 97.0) < 1.0
    assert found.piece.meters == ((0.0, 4, 4),)
    assert on_grid(found.piece)
    kicks = next(t for t in found.piece.tracks if t.is_drum).notes
    first_kick = kicks[kicks["pitch"] == 36]["onset"][0]
    assert abs(first_kick % 4.0) < 0.1 or abs(first_kick % 4.0 - 4.0) < 0.1


def test_human_playing_with_drift_is_followed():
    found = regrid(band(110.0, drift=0.006, jitter_s=0.008))
    assert found.piece is not None, found.why
    onsets = np.concatenate([t.notes["onset"] for t in found.piece.tracks])
    sixteenths = onsets * 4.0
    assert np.median(np.abs(sixteenths - np.rint(sixteenths))) < 0.12
    assert abs(np.log2(found.piece.tempos[0][1] / 109.5)) < 0.1


def test_a_shifted_grid_is_moved_back():
    original = band(120.0, start_s=0.0)
    tracks = []
    for track in original.tracks:
        notes = track.notes.copy()
        notes["onset"] += 0.113
        tracks.append(replace(track, notes=notes))
    found = regrid(replace(original, tracks=tuple(tracks)))
    assert found.piece is not None and "moved" in found.why
    assert on_grid(found.piece)
    assert found.piece.tempos == ((0.0, 120.0),)


def test_no_pulse_no_piece():
    rng = np.random.default_rng(1)
    n = 300
    notes = make_notes(np.sort(rng.random(n) * 200), [0.3] * n, rng.integers(40, 80, n), [80] * n)
    found = regrid(Piece((Track("piano", 0, notes),)))
    assert found.piece is None
    assert "pulse" in found.why
