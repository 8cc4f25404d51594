"""Pieces made in code for tests in several folders: dense like real band music, every number from a seed."""

from __future__ import annotations

import numpy as np

from klangbild.music.piece import Key, Piece, Track, make_notes


def band_piece(*, bars: int = 8, bpm: float = 120.0, seed: int = 3, loudest: int = 120) -> Piece:
    """Five tracks in 4/4 over a chord pattern in A minor: drums, bass, piano, strings, winds."""
    rng = np.random.default_rng(seed)
    chords = ((57, 60, 64), (53, 57, 60), (48, 52, 55), (55, 59, 62))
    columns: dict[str, list[tuple]] = {name: [] for name in ("drums", "bass", "piano", "strings", "winds")}

    def velocity() -> int:
        return int(rng.integers(loudest // 3, loudest))

    for bar in range(bars):
        at, chord = 4.0 * bar, chords[bar % 4]
        for beat in range(4):
            columns["drums"].append((at + beat, 0.25, 36 if beat % 2 == 0 else 38, velocity()))
            columns["drums"] += [
                (at + beat + half, 0.25, 46 if half and beat == 3 else 42, velocity()) for half in (0, 0.5)
            ]
            columns["bass"].append((at + beat, 0.9, chord[0] - 24, velocity()))
        if bar % 4 == 0:
            columns["drums"].append((at, 0.5, 49, velocity()))
        columns["piano"] += [(at + k / 4, 0.25, chord[k % 3] + 12 * (k // 6 % 2), velocity()) for k in range(16)]
        columns["strings"] += [(at, 4.0, pitch, velocity()) for pitch in chord]
        columns["winds"] += [(at + k, 0.95, chord[int(rng.integers(3))] + 12, velocity()) for k in range(4)]
    programs = {"drums": 0, "bass": 33, "piano": 0, "strings": 48, "winds": 73}
    tracks = tuple(Track(name, programs[name], make_notes(*zip(*rows, strict=True))) for name, rows in columns.items())
    return Piece(tracks, tempos=((0.0, bpm),), key=Key(9, "minor"), markers=((0.0, "A"),), length_beats=4.0 * bars)


def one_note(
    family: str = "piano", program: int = 0, *, pitch: int = 60, beats: float = 1.0, velocity: int = 90
) -> Piece:
    """A single note from beat 0."""
    return Piece((Track(family, program, make_notes([0.0], [beats], [pitch], [velocity])),))


def tune(seed: int, *, bars: int = 20, bpm: float = 100.0) -> Piece:
    """A small band: chords, bass, a wandering tune, and drums."""
    rng = np.random.default_rng(seed)
    chords = [(0, 4, 7), (9, 0, 4), (5, 9, 0), (7, 11, 2)]
    rows = {"piano": [], "bass": [], "drums": []}
    pitch = 72
    for bar in range(bars):
        chord = chords[(bar + seed) % 4]
        rows["bass"] += [(4 * bar + b, 1.0, 36 + chord[0], 90) for b in (0, 2)]
        rows["piano"] += [(4 * bar, 4.0, 48 + c, 70) for c in chord]
        for eighth in range(8):
            pitch = int(np.clip(pitch + rng.integers(-3, 4), 60, 84))
            rows["piano"].append((4 * bar + eighth / 2, 0.5, pitch, 80))
            rows["drums"].append((4 * bar + eighth / 2, 0.25, 42 if eighth % 4 else 36, 100))
    programs = {"piano": 0, "bass": 32, "drums": 0}
    tracks = tuple(Track(f, programs[f], make_notes(*zip(*notes, strict=True))) for f, notes in rows.items())
    return Piece(tracks, tempos=((0.0, bpm),))
