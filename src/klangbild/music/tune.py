"""Which part of a piece is its tune: the one that an ear follows.

Of the pitched parts without the bass family, the one with the largest product of the time that it is the highest sounding pitch,
and of the share of its onsets that are one note: a pad above the singer is not the tune.
"""

from __future__ import annotations

import numpy as np

from klangbild.music.piece import Piece

_GRID = 12
_NOT_THE_TUNE = ("drums", "bass")


def tune_among(
    step: np.ndarray, length: np.ndarray, pitch: np.ndarray, velocity: np.ndarray, part: np.ndarray
) -> int | None:
    """Notes that are neither drums nor bass, columns (n,) of whole numbers on one grid -> the number of the part that is the
    tune, or None without notes. Of notes of one pitch the louder is heard."""
    if not len(step):
        return None
    owner = np.full(int((step + length).max()), -1)
    for i in np.lexsort((velocity, pitch)):
        owner[step[i] : step[i] + length[i]] = part[i]
    on_top = np.bincount(owner[owner >= 0])
    single = np.zeros(len(on_top))
    for number in np.flatnonzero(on_top):
        count = np.unique(step[part == number], return_counts=True)[1]
        single[number] = (count == 1).mean()
    # where all play chords only, the one on top
    return int((on_top * (single + 1e-6)).argmax())


def tune_of(piece: Piece) -> int | None:
    """The number of the track that is the tune; None where only drums and bass play."""
    numbers = [i for i, track in enumerate(piece.tracks) if track.family not in _NOT_THE_TUNE and len(track.notes)]
    if not numbers:
        return None
    notes = np.concatenate([piece.tracks[i].notes for i in numbers])
    part = np.repeat(numbers, [len(piece.tracks[i].notes) for i in numbers])
    step = np.rint(notes["onset"] * _GRID).astype(np.int64)
    length = np.maximum(np.rint(notes["duration"] * _GRID).astype(np.int64), 1)
    return tune_among(step, length, notes["pitch"].astype(int), notes["velocity"].astype(int), part)
