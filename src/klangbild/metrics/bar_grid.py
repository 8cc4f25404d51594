"""A piece on its bars and on a grid of twelfths of a beat: what all metrics of notes start from.

Conventions
    A step is a twelfth of a quarter note. `notes` is one table of all tracks, sorted by onset; an onset that is not on the
    grid is rounded to it. Bars follow the piece's meters. Music without bars or notes is allowed: metrics answer NaN there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from klangbild.music.families import FAMILY_INDEX
from klangbild.music.key import estimate_key
from klangbild.music.piece import Piece

STEPS_PER_BEAT = 12
DRUMS = FAMILY_INDEX["drums"]
GRID_DTYPE = np.dtype([
    ("step", "i8"), ("length", "i8"), ("pitch", "i8"), ("velocity", "i8"), ("family", "i8"), ("bar", "i8"), ("at", "i8"),
    ("part", "i8"),
])  # fmt: skip


@dataclass(frozen=True)
class BarGrid:
    """notes: (n,) `GRID_DTYPE`, `bar` the bar it starts in, `at` its step within it, `part` its track. starts: (bars + 1,) steps."""

    piece: Piece
    notes: np.ndarray
    starts: np.ndarray

    @property
    def n_bars(self) -> int:
        return len(self.starts) - 1

    @property
    def pitched(self) -> np.ndarray:
        """The notes that are no drums: structured (k,), as `notes`."""
        return self.notes[self.notes["family"] != DRUMS]

    @cached_property
    def bar_notes(self) -> list[np.ndarray]:
        """The notes of each bar, by where they start: `n_bars` structured arrays (k,), each of its own length."""
        cuts = np.searchsorted(self.notes["bar"], np.arange(self.n_bars + 1))
        return [self.notes[a:b] for a, b in pairwise(cuts.tolist())]

    @cached_property
    def contents(self) -> list[frozenset[tuple[int, int, int]]]:
        """What each bar plays: a set of (family, step within the bar, pitch)."""
        return [
            frozenset(zip(b["family"].tolist(), b["at"].tolist(), b["pitch"].tolist(), strict=True))
            for b in self.bar_notes
        ]

    @cached_property
    def sounding(self) -> np.ndarray:
        """How many pitched notes sound: int16 (steps, 128), to the end of the last whole beat."""
        notes = self.pitched
        last = int((notes["step"] + notes["length"]).max()) if len(notes) else 0
        roll = np.zeros((-(-last // STEPS_PER_BEAT) * STEPS_PER_BEAT + 1, 128), np.int16)
        np.add.at(roll, (notes["step"], notes["pitch"]), 1)
        np.add.at(roll, (notes["step"] + notes["length"], notes["pitch"]), -1)
        return roll.cumsum(axis=0, dtype=np.int16)[:-1]

    @cached_property
    def home(self) -> int:
        """Pitch class that plays the part of C when the piece is read in C major or A minor."""
        key = estimate_key(self.piece)
        return (key.tonic + (0 if key.mode == "major" else 3)) % 12


def bar_grid(piece: Piece) -> BarGrid:
    """Any piece -> its grid. Notes before beat 0 do not exist; the last bar is whole."""
    parts = []
    for number, track in enumerate(piece.tracks):
        part = np.zeros(len(track.notes), GRID_DTYPE)
        part["step"] = np.rint(track.notes["onset"] * STEPS_PER_BEAT)
        part["length"] = np.maximum(np.rint(track.notes["duration"] * STEPS_PER_BEAT), 1)
        part["pitch"], part["velocity"] = track.notes["pitch"], track.notes["velocity"]
        part["family"], part["part"] = FAMILY_INDEX[track.family], number
        parts.append(part)
    notes = np.concatenate(parts) if parts else np.zeros(0, GRID_DTYPE)
    notes = np.sort(notes, order=("step", "family", "pitch"), kind="stable")
    if not len(notes):
        return BarGrid(piece, notes, np.zeros(1, np.int64))
    beats = np.array(piece.bar_starts())
    length = 4.0 * piece.meters[-1][1] / piece.meters[-1][2]
    starts = np.rint(np.append(beats, beats[-1] + length) * STEPS_PER_BEAT).astype(np.int64)
    # a rounded onset may fall on the bar line after the last note
    while notes["step"].max() >= starts[-1]:
        starts = np.append(starts, starts[-1] + round(length * STEPS_PER_BEAT))
    notes["bar"] = np.searchsorted(starts, notes["step"], side="right") - 1
    notes["at"] = notes["step"] - starts[notes["bar"]]
    return BarGrid(piece, notes, starts)
