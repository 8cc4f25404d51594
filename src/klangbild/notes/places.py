"""Where an id stands in the music: which bar of eight, and which step of the bar. Read from the ids alone.

Bars that come back four or eight bars later stand at any distance in ids, so a small model hardly finds them by distance. With
the place beside every id it can look for "the same step, four bars ago".

The bar is the number of Bar ids read so far, modulo 8; the step is that of the newest Position, 0 after a Bar.
"""

from __future__ import annotations

import numpy as np

from klangbild.notes.bars_vocabulary import BAR_0, N_POSITIONS, NOTE_0, POSITION_0, SECTION_BARS, TEMPO_0

BARS, STEPS = SECTION_BARS, N_POSITIONS


class Places:
    """The places of `rows` pieces that are read a few ids at a time."""

    def __init__(self, rows: int) -> None:
        self._bar = np.zeros(rows, np.int64)
        self._step = np.zeros(rows, np.int64)

    def read(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """ids (rows, time) -> bar 0..7 and step 0..71 after each of them, (rows, time) int64."""
        bars, steps = np.empty_like(ids), np.empty_like(ids)
        for t in range(ids.shape[1]):
            column = ids[:, t]
            is_bar = (column >= BAR_0) & (column < TEMPO_0)
            is_position = (column >= POSITION_0) & (column < NOTE_0)
            self._bar = (self._bar + is_bar) % BARS
            self._step = np.where(is_position, column - POSITION_0, np.where(is_bar, 0, self._step))
            bars[:, t], steps[:, t] = self._bar, self._step
        return bars, steps

    def select_rows(self, index: np.ndarray) -> None:
        """Keep, repeat or reorder rows: row i becomes what row index[i] was."""
        self._bar, self._step = self._bar[index], self._step[index]
