"""Each player's line: habits of a small model, held in check while it writes, and what makes a line a tune.

Sampled from its own odds, and the more so with guidance, the model lays note upon note, climbs (a mistake upward is followed by
more, and notes of one moment are written from low to high) and repeats a player's last note more often than the music it learnt
from. So every note loses a little to going on, higher notes lose to lower ones, and the highest note that a player struck
last loses to other notes as much as to no note at all.

It also leaps more, by octaves above all, and forgets its motifs. So among the notes that may come, those a step from a player's
last gain, the more the more that player plays one note at a time; octaves lose; after a leap steps back into the gap gain (Meyer
1973, Explaining Music); a scale that has gone one way for long loses; and a motif that has begun as before may go on as before.
The measured habits, and what is left of them, stand in docs/measure.md.
"""

from __future__ import annotations

import numpy as np

from klangbild.models.bars import vocabulary as bars
from klangbild.music.families import FAMILIES, FAMILY_INDEX

RESTRAINT = 0.45
"""Log-odds that every note loses to going on in time, nats."""
REGISTER = 0.1
"""Log-odds lost for each octave above the middle C, nats; gained below it."""
REPEAT = 0.5
"""Log-odds that a player's last highest note loses, nats."""
STEP = 0.5
"""Log-odds that notes one or two semitones from the last gain in a line."""
BACK = 0.5
"""The same of steps against the last move, where that was a leap (five semitones or more)."""
SAME, OCTAVE, WIDE = -0.5, -0.7, -0.7
"""Of the same note again, of an octave from it, and of what lies further away."""
MOTIF = (1.2, 2.4)
"""Of the note with which a motif whose last two, or three, moves have been before would go on as before."""
ENOUGH, TOO_OFTEN = 8, -0.5
"""After so many times one way on, a motif's return gains nothing more, and then loses, to this share of the gain at most."""
SCALE_FROM, SCALE_TO, SCALE = 4, 8, -0.7
"""From so many steps one way on each further one loses `SCALE` more; beyond so many there is none."""
_NEVER = -20.0
_CONTEXT = 3
_GAP = 2 * bars.GRID
_MEMORY = 0.85
_MIDDLE_C = 60
_LEAP = 5
_SPAN = bars.N_PITCHES
_BASS = FAMILY_INDEX["bass"]
_AT_FIRST = {"winds": 1.0, "lead": 1.0, "brass": 0.7, "strings": 0.7, "guitar": 0.5, "mallet": 0.7}


def register_bias() -> np.ndarray:
    """Log-odds (bars.SIZE,) for every note, whoever plays."""
    bias = np.zeros(bars.SIZE)
    bias[bars.NOTE_0 : bars.DURATION_0] = -RESTRAINT
    octaves = (np.arange(bars.MIN_PITCH, bars.MAX_PITCH + 1) - _MIDDLE_C) / 12.0
    bias[bars.note_id(1, bars.MIN_PITCH) : bars.DURATION_0] += np.tile(-REGISTER * octaves, len(FAMILIES) - 1)
    return bias


def moves_bias(line: float, last_move: int, run: int) -> np.ndarray:
    """Log-odds (2 * 88 - 1,) of moves from 87 semitones down to 87 up.

    line: how much the player plays a line, 0..1. last_move: the one before, in semitones. run: how many steps the last moves went the
    way of the last one."""
    bias = np.zeros(2 * _SPAN - 1)
    here = _SPAN - 1
    bias[: here - 12], bias[here + 13 :] = WIDE, WIDE
    bias[[here - 12, here + 12]] = OCTAVE
    bias[here] = SAME * line
    bias[[here - 2, here - 1, here + 1, here + 2]] = STEP * line
    way = 1 if last_move > 0 else -1
    if abs(last_move) >= _LEAP:
        bias[[here - way, here - 2 * way]] += BACK * line
    if run >= SCALE_FROM:
        bias[[here + way, here + 2 * way]] += _NEVER if run >= SCALE_TO else SCALE * (run - SCALE_FROM + 1)
    return bias


class _Line:
    """One player's: its last highest note, the moves to it, and how it went on before."""

    def __init__(self, family: int) -> None:
        self.pitch = self.step = -1
        self.line = 0.0 if family == _BASS else _AT_FIRST.get(FAMILIES[family].name, 0.3)
        self.run = 0
        self.moves: tuple[int, ...] = ()
        self.before: dict[tuple[int, ...], tuple[int, int]] = {}  # moves -> the one that followed, how often in a row

    def strike(self, pitch: int, step: int, count: int, family: int) -> None:
        """An onset of `count` notes, the highest of which is `pitch` (an offset, 0..87), at `step`."""
        if self.pitch >= 0 and step - self.step < _GAP:
            move = pitch - self.pitch
            for context in self._contexts():
                last, times = self.before.get(context, (move, 0))
                self.before[context] = move, times + 1 if move == last else 1
            stepwise = abs(move) in (1, 2)
            one_way = bool(self.moves) and self.moves[-1] * move > 0
            self.run = (self.run + 1 if one_way else 1) if stepwise else 0
            self.moves = (*self.moves, move)[-_CONTEXT:]
        else:
            self.run, self.moves = 0, ()
        if family != _BASS:
            self.line = _MEMORY * self.line + (1.0 - _MEMORY) * (count == 1)
        self.pitch, self.step = pitch, step

    def bias(self) -> np.ndarray:
        """Log-odds (88,) of this player's pitches, among the notes that may come."""
        moves = moves_bias(self.line**2, self.moves[-1] if self.moves else 0, self.run)
        found = moves[_SPAN - 1 - self.pitch : 2 * _SPAN - 1 - self.pitch].copy()
        for context, gain in zip(self._contexts(), MOTIF, strict=False):
            again, times = self.before.get(context, (0, 0))
            if again and 0 <= self.pitch + again < _SPAN:
                found[self.pitch + again] += gain * self.line**2 * max(1.0 - (times - 1) / ENOUGH, TOO_OFTEN)
        return found

    def _contexts(self) -> list[tuple[int, ...]]:
        """Its last two moves, and its last three, if there are as many."""
        return [self.moves[-n:] for n in (2, 3) if len(self.moves) >= n]


class MelodicLines:
    """Follows a piece id by id and says what each player struck last."""

    def __init__(self) -> None:
        self._register = register_bias()
        self._lean = self._register.copy()
        self.within = np.zeros(bars.SIZE)
        """Log-odds (bars.SIZE,) among the notes that may come; how often one comes they leave alone."""
        # family -> its highest note id and how many it struck, of the position in hand; its highest note id of the one before
        self._struck: dict[int, tuple[int, int]] = {}
        self._last: dict[int, int] = {}
        self._lines = [_Line(family) for family in range(len(FAMILIES))]
        self._bar = self._bar_steps = self._step = 0

    def read(self, token: int) -> None:
        """The next id of the piece."""
        if bars.NOTE_0 <= token < bars.DURATION_0:
            family = (token - bars.NOTE_0) // bars.N_PITCHES
            if family != bars.DRUMS:
                self._struck[family] = token, self._struck.get(family, (0, 0))[1] + 1
        elif bars.BAR_0 <= token < bars.TEMPO_0:
            self._move_on()
            self._bar += self._bar_steps
            self._bar_steps = bars.BAR_STEPS[(token - bars.BAR_0) // 2]
        elif bars.POSITION_0 <= token < bars.NOTE_0:
            self._move_on()
            self._step = self._bar + token - bars.POSITION_0

    def bias(self) -> np.ndarray:
        """Log-odds (bars.SIZE,) for the notes that may come: to be read before the next `read`, and not to be written."""
        return self._lean

    def _move_on(self) -> None:
        """Another position: what was struck at the one in hand now counts as each player's last."""
        for family, (note, count) in self._struck.items():
            before = self._last.get(family, note)
            self._lean[before] = self._register[before]
            self._lean[note] = self._register[note] - REPEAT
            self._last[family] = note
            first = bars.NOTE_0 + family * bars.N_PITCHES
            self._lines[family].strike(note - first, self._step, count, family)
            self.within[first : first + bars.N_PITCHES] = self._lines[family].bias()
        self._struck = {}
