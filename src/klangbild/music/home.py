"""Coming home: in the last bar nothing rings against the tonic chord."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from klangbild.music.piece import Key, Piece

_STEP = 1 / 12


def tonic_triad(key: Key) -> tuple[int, int, int]:
    """Pitch classes of its chord, the tonic first."""
    return key.tonic, (key.tonic + (4 if key.mode == "major" else 3)) % 12, (key.tonic + 7) % 12


def clear_last_bar(piece: Piece, free_from: float = 0.0) -> Piece:
    """The piece with what rings over into its last bar, and is no tone of the tonic chord, ended at the bar line.

    free_from: beat from which on the notes are ours; those before keep their lengths.
    """
    starts = piece.bar_starts()
    if piece.key is None or len(starts) < 2:
        return piece
    line, chord = starts[-1], tonic_triad(piece.key)
    tracks = []
    for track in piece.tracks:
        notes = track.notes.copy()
        rings = (notes["onset"] < line - _STEP / 2) & (notes["onset"] + notes["duration"] > line)
        rings &= (notes["onset"] >= free_from - 1e-6) & ~np.isin(notes["pitch"] % 12, chord)
        if rings.any() and not track.is_drum:
            notes["duration"][rings] = np.maximum(line - notes["onset"][rings], _STEP)
            track = replace(track, notes=notes)
        tracks.append(track)
    return replace(piece, tracks=tuple(tracks))
