"""A plan as the flow knows it: a row of 46 numbers a section, and back to what the notes model is told.

    0 .. 39   the attributes of `bars.section_attributes`, who plays among them
    40        tempo: ln(bpm / 110) / .35
    41        major 1, minor -1
    42, 43    valence and arousal
    44, 45    in three (3/4 and its kin), in six (6/8 and its kin): 1, else -1

Everything is brought to about the same spread, which a flow from noise of spread 1 asks for. Mode and meter are one for a piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.models.bars.section_attributes import N_VALUES
from klangbild.music.families import FAMILY_NAMES

TEMPO, MODE, VALENCE, AROUSAL, TRIPLE, COMPOUND = range(N_VALUES, N_VALUES + 6)
CHANNELS = N_VALUES + 6
N_FAMILIES = len(FAMILY_NAMES)
MIDDLE_BPM, TEMPO_WIDTH = 110.0, 0.35
PLACE_GAIN, FEELING_GAIN = 1.5, 2.2
"""What places in [-1, 1] and feelings are multiplied by, to have a spread of about 1."""
SLOWEST, FASTEST = 40.0, 220.0
INT8_STEP = 1 / 32
"""Rows are kept in whole multiples of it, -127 .. 127."""
_SURE = 0.0


@dataclass(frozen=True)
class PlannedSections:
    """What n sections of a piece are like.

    values (n, `N_VALUES`) in [-1, 1], families 1 or -1; bpm (n,); emotion (n, 2): valence and arousal in [-1, 1]; major, meter: of the
    whole piece.
    """

    values: np.ndarray
    bpm: np.ndarray
    emotion: np.ndarray
    major: bool
    meter: tuple[int, int]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def players(self) -> np.ndarray:
        """(n, families) bool."""
        return self.values[:, :N_FAMILIES] > 0


def to_rows(
    values: np.ndarray,
    bpm: np.ndarray,
    major: np.ndarray,
    emotion: np.ndarray,
    triple: np.ndarray,
    compound: np.ndarray,
) -> np.ndarray:
    """values (..., `N_VALUES`), emotion (..., 2), the others (...,), major, triple and compound bool -> rows (..., `CHANNELS`) float32."""
    rows = np.empty((*values.shape[:-1], CHANNELS), np.float32)
    rows[..., :N_VALUES] = values
    rows[..., N_FAMILIES:N_VALUES] *= PLACE_GAIN
    rows[..., TEMPO] = tempo_number(bpm)
    rows[..., VALENCE : AROUSAL + 1] = FEELING_GAIN * np.asarray(emotion)
    for channel, true in ((MODE, major), (TRIPLE, triple), (COMPOUND, compound)):
        rows[..., channel] = np.where(true, 1.0, -1.0)
    return rows


def to_plan(rows: np.ndarray) -> PlannedSections:
    """Rows (n, `CHANNELS`), n at least 1 -> the plan. Somebody plays in each section: where nobody would, who is nearest to it."""
    values = rows[:, :N_VALUES].astype(np.float32).copy()
    values[:, N_FAMILIES:] = np.clip(values[:, N_FAMILIES:] / PLACE_GAIN, -1.0, 1.0)
    plays = values[:, :N_FAMILIES] > _SURE
    nobody = ~plays.any(axis=1)
    plays[nobody, values[nobody, :N_FAMILIES].argmax(axis=1)] = True
    values[:, :N_FAMILIES] = np.where(plays, 1.0, -1.0)
    middle = rows.mean(axis=0)
    meter = (
        (4, 4)
        if max(middle[TRIPLE], middle[COMPOUND]) <= _SURE
        else (3, 4)
        if middle[TRIPLE] > middle[COMPOUND]
        else (6, 8)
    )
    return PlannedSections(
        values, bpm_of(rows[:, TEMPO]), np.clip(rows[:, VALENCE : AROUSAL + 1] / FEELING_GAIN, -1.0, 1.0),
        bool(middle[MODE] > 0), meter,
    )  # fmt: skip


def tempo_number(bpm: np.ndarray | float) -> np.ndarray:
    """Beats per minute (...,) -> the number of channel `TEMPO` (...,)."""
    return (np.log(np.asarray(bpm, np.float64)) - np.log(MIDDLE_BPM)) / TEMPO_WIDTH


def bpm_of(number: np.ndarray) -> np.ndarray:
    """The inverse of `tempo_number`, (...,) -> (...,), within what is played."""
    return np.clip(MIDDLE_BPM * np.exp(TEMPO_WIDTH * np.asarray(number, np.float64)), SLOWEST, FASTEST)


def to_int8(rows: np.ndarray) -> np.ndarray:
    """Rows (..., `CHANNELS`) as they are kept."""
    return np.clip(np.rint(rows / INT8_STEP), -127, 127).astype(np.int8)


def from_int8(rows: np.ndarray) -> np.ndarray:
    """The inverse, (..., `CHANNELS`) float32."""
    return rows.astype(np.float32) * np.float32(INT8_STEP)
