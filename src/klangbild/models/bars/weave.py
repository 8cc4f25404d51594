"""Notes that are given, woven into those that the model draws: it hears them where they sound, and writes around them.

The language has one order for everything, so what is given is due at one place: just before an id that would come behind it. Whatever was drawn
there waits, and is drawn anew when the given notes have been read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.models.bars import vocabulary as b
from klangbild.models.bars.grammar import BarsState

_VELOCITIES = slice(b.VELOCITY_0, b.SIZE)


@dataclass(frozen=True)
class GivenNote:
    """position: steps in its bar. note: its id. duration, velocity: numbers of the language's bins (drums have no duration: -1)."""

    position: int
    note: int
    duration: int
    velocity: int

    @property
    def family(self) -> int:
        return (self.note - b.NOTE_0) // b.N_PITCHES


class Weave:
    """Bars as they are to be opened, and the notes that are given in them; kept in step with a grammar state.

    bars: the ids that open each bar from the first one drawn on (its Bar, and a Tempo where one stands). notes: given in each of them, in the
    language's order.
    """

    def __init__(self, first_bar: int, bars: list[list[int]], notes: list[list[GivenNote]]) -> None:
        self._first, self._bars = first_bar, bars
        self._due = [list(row) for row in notes]

    def due(self, state: BarsState) -> GivenNote | None:
        """The next given note of the bar in hand."""
        at = state.bar - self._first
        return self._due[at][0] if 0 <= at < len(self._due) and self._due[at] else None

    def narrowed(self, state: BarsState, allowed: np.ndarray) -> np.ndarray:
        """The ids that may be drawn, bool (size,): without those that would pass over the note that is due here, and with that note, so that
        nothing has to be played beside it."""
        due = self.due(state)
        if due is None or state.position != due.position:
            return allowed
        fits = allowed.copy()
        if state.last == "velocity":  # a note must follow: one that comes before the given one
            fits[due.note : b.DURATION_0] = False
            return fits if fits.any() else allowed
        if state.last == "note" and fits[b.DURATION_0 : b.VELOCITY_0].all():  # the last note is owed its length
            return allowed
        below = (1 << due.family) - 1
        if not (state.allowed_families & below & ~state.heard_in_bar) or state.last_note >= due.family * b.N_PITCHES:
            fits[_VELOCITIES] = False  # whoever it would be for comes behind the given note
        if self._needs_velocity(state, due):
            fits[b.VELOCITY_0 + due.velocity] = True
        else:
            fits[due.note] = True
        return fits

    def instead(self, state: BarsState, token: int) -> list[int]:
        """What is to be read in place of a drawn id: the id itself, or what is due before it."""
        due = self.due(state)
        if due is not None and self._comes_first(state, due, token):
            return self._of(state, due)
        if b.BAR_0 <= token < b.TEMPO_0 or token == b.EOS:
            at = state.bar + 1 - self._first
            if 0 <= at < len(self._bars):
                return list(self._bars[at])
        return [token]

    def _comes_first(self, state: BarsState, due: GivenNote, token: int) -> bool:
        """Whether a given note stands before an id."""
        if b.POSITION_0 <= token < b.NOTE_0:
            return token - b.POSITION_0 > due.position
        here = state.position == due.position
        if b.NOTE_0 <= token < b.DURATION_0:
            return here and token >= due.note
        if token >= b.VELOCITY_0:
            return here and token == b.VELOCITY_0 + due.velocity and self._needs_velocity(state, due)
        return b.BAR_0 <= token < b.TEMPO_0 or token == b.EOS

    @staticmethod
    def _needs_velocity(state: BarsState, due: GivenNote) -> bool:
        return not state.heard_in_bar >> due.family & 1 and state.velocities[due.family] != due.velocity

    def _of(self, state: BarsState, due: GivenNote) -> list[int]:
        """The ids that say the given note here; it is not due any more."""
        self._due[state.bar - self._first].pop(0)
        ids = [] if state.position == due.position else [b.POSITION_0 + due.position]
        if self._needs_velocity(state, due):
            ids.append(b.VELOCITY_0 + due.velocity)
        ids.append(due.note)
        if due.family != b.DRUMS and state.durations[due.family] != due.duration:
            ids.append(b.DURATION_0 + due.duration)
        return ids


def given_notes(bars: list[list[int]]) -> list[list[GivenNote]]:
    """The ids of bars that follow each other from the start of a section -> the notes in them, with the lengths and loudness that hold there."""
    durations: dict[int, int] = {}
    velocities: dict[int, int] = {}
    found: list[list[GivenNote]] = []
    for ids in bars:
        rows: list[GivenNote] = []
        position, pending = 0, None
        for place, token in enumerate(ids):
            if b.POSITION_0 <= token < b.NOTE_0:
                position = token - b.POSITION_0
            elif token >= b.VELOCITY_0:
                pending = token - b.VELOCITY_0
            elif b.NOTE_0 <= token < b.DURATION_0:
                family = (token - b.NOTE_0) // b.N_PITCHES
                if pending is not None:
                    velocities[family], pending = pending, None
                after = ids[place + 1] if place + 1 < len(ids) else 0
                if b.DURATION_0 <= after < b.VELOCITY_0:
                    durations[family] = after - b.DURATION_0
                rows.append(GivenNote(position, token, durations.get(family, -1), velocities.get(family, 4)))
        found.append(rows)
    return found
