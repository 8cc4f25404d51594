"""Where an id stands in the music: which bar of eight, and which step of the bar. Read from the ids alone.

Bars that come back four or eight bars later stand at any distance in ids, so a small model hardly finds them by distance. With
the place beside every id it can look for "the same step, four bars ago".

The bar is the number of Bar ids read so far, modulo 8; the step is that of the newest Position, 0 after a Bar.
"""

from __future__ import annotations

import numpy as np

from klangbild.models.bars.vocabulary import BAR_0, N_POSITIONS, NOTE_0, POSITION_0, SECTION_BARS, TEMPO_0

BARS, STEPS = SECTION_BARS, N_POSITIONS


class BarPositions:
    """The places of `rows` pieces that are read a few ids at a time."""

    def __init__(self, rows: int) -> None:
        self._at = [(0, 0)] * rows  # bar and step of each row

    def read(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """ids (rows, time) -> bar 0..7 and step 0..71 after each of them, (rows, time) int64."""
        places = np.empty((2, *ids.shape), np.int64)
        for row, mine in enumerate(ids.tolist()):
            bar, step = self._at[row]
            for t, token in enumerate(mine):
                if BAR_0 <= token < TEMPO_0:
                    bar, step = (bar + 1) % BARS, 0
                elif POSITION_0 <= token < NOTE_0:
                    step = token - POSITION_0
                places[:, row, t] = bar, step
            self._at[row] = bar, step
        return places[0], places[1]

    def select_rows(self, index: np.ndarray) -> None:
        """Keep, repeat or reorder rows: row i becomes what row index[i] was; index: (rows,)."""
        self._at = [self._at[i] for i in index]
