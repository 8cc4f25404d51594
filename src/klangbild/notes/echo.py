"""Phrases that answer each other: the second four bars of a section lean on the first four.

In real band music bars four apart are more alike than bars three or five apart (`measure/structure.py`, phrase pulse .13); a
small model hears the last bar well and the one four bars ago hardly. So what stood at the same step four bars ago gains
log-odds: its notes that have not come yet, then the step it went on to. The model still chooses, so that the answer is a
variation more often than a copy. How much it gains is drawn for each piece, since some music is square and some wanders. Antecedent and consequent: W. Caplin (1998), "Classical Form", chapters 3 and 4.
"""

from __future__ import annotations

import numpy as np

from klangbild.notes import bars

PHRASE_BARS = 4
STRENGTH = 2.0
"""Mean of the log-odds gained, nats, before the largest are cut."""
LARGEST = 4.0


def draw_strength(rng: np.random.Generator) -> float:
    """Log-odds that a piece's answers gain, 0..`LARGEST`, exponentially distributed."""
    return float(min(rng.exponential(STRENGTH), LARGEST))


class Echo:
    """Follows a piece id by id and says what the phrase before would go on with."""

    def __init__(self) -> None:
        self._bars: list[dict[int, list[int]]] = []  # of the section in hand: step -> note ids, rising
        self._bar_id, self._step = bars.BAR_0, -1

    def read(self, token: int, *, opens_section: bool) -> None:
        """The next id of the piece; opens_section: it is the Bar of a new section."""
        if bars.BAR_0 <= token < bars.TEMPO_0:
            self._bars = [{}] if opens_section else [*self._bars, {}]
            self._bar_id, self._step = token, -1
        elif bars.POSITION_0 <= token < bars.NOTE_0:
            self._step = token - bars.POSITION_0
        elif bars.NOTE_0 <= token < bars.DURATION_0 and self._bars:
            self._bars[-1].setdefault(self._step, []).append(token)

    def answers(self) -> list[int]:
        """The ids that the bar four bars ago would go on with: its notes of this step that have not been passed, else its
        next step, else the next bar. Empty in the first phrase of a section."""
        if len(self._bars) <= PHRASE_BARS:
            return []
        before, now = self._bars[-1 - PHRASE_BARS], self._bars[-1]
        passed = now.get(self._step, [-1])[-1]
        left = [note for note in before.get(self._step, ()) if note > passed]
        later = [step for step in before if step > self._step]
        return left or [bars.POSITION_0 + min(later) if later else self._bar_id]
