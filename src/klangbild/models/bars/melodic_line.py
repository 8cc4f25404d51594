"""Each player's line: three habits of a small model, held in check while it writes.

Sampled from its own odds, and the more so with guidance, the model lays note upon note, climbs (a mistake upward is followed by
more, and notes of one moment are written from low to high) and repeats a player's last note more often than the music it learnt
from. So every note loses a little to going on, higher notes lose to lower ones, and the highest note that a player struck
last loses to other notes as much as to no note at all. The measured habits, and what is left of them, stand in docs/measure.md.
"""

from __future__ import annotations

import numpy as np

from klangbild.models.bars import language as bars
from klangbild.music.families import FAMILIES

RESTRAINT = 0.45
"""Log-odds that every note loses to going on in time, nats."""
REGISTER = 0.1
"""Log-odds lost for each octave above the middle C, nats; gained below it."""
REPEAT = 0.5
"""Log-odds that a player's last highest note loses, nats."""
_MIDDLE_C = 60


def register_bias() -> np.ndarray:
    """Log-odds (bars.SIZE,) for every note, whoever plays."""
    bias = np.zeros(bars.SIZE)
    bias[bars.NOTE_0 : bars.DURATION_0] = -RESTRAINT
    octaves = (np.arange(bars.MIN_PITCH, bars.MAX_PITCH + 1) - _MIDDLE_C) / 12.0
    bias[bars.note_id(1, bars.MIN_PITCH) : bars.DURATION_0] += np.tile(-REGISTER * octaves, len(FAMILIES) - 1)
    return bias


class MelodicLines:
    """Follows a piece id by id and says what each player struck last."""

    def __init__(self) -> None:
        self._register = register_bias()
        self._lean = self._register.copy()
        # family -> its highest note id, of the position in hand and of the one before
        self._struck: dict[int, int] = {}
        self._last: dict[int, int] = {}

    def read(self, token: int) -> None:
        """The next id of the piece."""
        if bars.NOTE_0 <= token < bars.DURATION_0:
            family = (token - bars.NOTE_0) // bars.N_PITCHES
            if family != bars.DRUMS:
                self._struck[family] = token
        elif bars.BAR_0 <= token < bars.TEMPO_0 or bars.POSITION_0 <= token < bars.NOTE_0:
            self._move_on()

    def bias(self) -> np.ndarray:
        """Log-odds (bars.SIZE,) for the notes that may come: to be read before the next `read`, and not to be written."""
        return self._lean

    def _move_on(self) -> None:
        """Another position: what was struck at the one in hand now counts as each player's last."""
        for family, note in self._struck.items():
            before = self._last.get(family, note)
            self._lean[before] = self._register[before]
            self._lean[note] = self._register[note] - REPEAT
            self._last[family] = note
        self._struck = {}
