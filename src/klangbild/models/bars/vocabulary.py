"""The ids of `bars` (see `language.py`): what each number means. Weights and prepared data depend on them: never reorder."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from klangbild.music.families import FAMILIES, FAMILY_INDEX
from klangbild.music.meters import METERS

GRID = 12
"""Positions per beat (quarter note)."""
SECTION_BARS = 8
BAR_STEPS = tuple(GRID * 4 * numerator // denominator for numerator, denominator in METERS)
MODES = ("major", "minor")
N_TEMPI = 32
TEMPI_BPM = tuple(40.0 * 6.0 ** (i / (N_TEMPI - 1)) for i in range(N_TEMPI))
DURATIONS = (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 21, 24, 30, 36, 42, 48, 60, 72, 96, 120, 144, 192)
MIN_PITCH, MAX_PITCH = 21, 108
N_PITCHES = MAX_PITCH - MIN_PITCH + 1
N_VELOCITIES = 8
N_POSITIONS = 72

PAD, BOS, EOS = 0, 1, 2
BAR_0 = 3
TEMPO_0 = BAR_0 + 2 * len(METERS)
POSITION_0 = TEMPO_0 + N_TEMPI
NOTE_0 = POSITION_0 + N_POSITIONS
DURATION_0 = NOTE_0 + len(FAMILIES) * N_PITCHES
VELOCITY_0 = DURATION_0 + len(DURATIONS)
SIZE = VELOCITY_0 + N_VELOCITIES
DRUMS = FAMILY_INDEX["drums"]


@lru_cache(maxsize=1)
def duration_bins() -> np.ndarray:
    """The nearest bin, by ratio, of each length in steps 0..max: int (longest + 1,)."""
    steps = np.arange(DURATIONS[-1] + 1)
    distance = np.abs(np.log(np.maximum(steps, 1))[:, None] - np.log(np.array(DURATIONS))[None])
    return distance.argmin(axis=1)


def tempo_bin(bpm: float) -> int:
    """Index into `TEMPI_BPM` of the nearest tempo."""
    return int(np.clip(round(np.log(bpm / 40.0) / np.log(6.0) * (N_TEMPI - 1)), 0, N_TEMPI - 1))


@lru_cache(maxsize=256)
def tempo_within(bin_: int, place: float) -> float:
    """A whole number of beats per minute inside bin `bin_` of `TEMPI_BPM`, where `place` (-0.5 .. 0.5 of its width) points."""
    bpm = round(40.0 * 6.0 ** ((bin_ + place) / (N_TEMPI - 1)))
    low, high = (40.0 * 6.0 ** ((bin_ + side) / (N_TEMPI - 1)) for side in (-0.5, 0.5))
    return float(min(max(bpm, int(low) + 1), int(high)))


def note_id(family: int, pitch: int) -> int:
    """The id of a note; ids of a position rise."""
    return NOTE_0 + family * N_PITCHES + pitch - MIN_PITCH
