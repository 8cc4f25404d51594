"""The grammar of `events` as an automaton: which ids may come next, so that every sample is valid and obeys its rules.

A key that sounds can only be ended, one that does not can only be struck; at one moment each key is ended and struck at most
once, so that time always goes on. Instruments that are due must enter before `DUE_S` (or half of the piece, if that is
sooner): no shift leads past that moment while one is missing. Nothing is retried, and no state is without a way on.
"""

from __future__ import annotations

import copy

import numpy as np

from klangbild.errors import UsageError
from klangbild.models.aria import vocabulary as v
from klangbild.music.families import FAMILIES, FAMILY_INDEX
from klangbild.music.rules import Rules

DUE_S = 4.0
"""By when required families and `min_instruments` have been heard."""
MAX_SILENCE_S = 4.0
"""After this long without a sounding note, one must be struck."""
_N = len(v.INSTRUMENTS)
_SHIFTS_MS = np.arange(1, v.MAX_SHIFT_MS // v.GRID_MS + 1) * v.GRID_MS


def _playable_keys() -> np.ndarray:
    """bool (instruments, pitches): the pitches that a family of ours plays."""
    keys = np.zeros((_N, v.N_PITCHES), bool)
    for index, name in enumerate(v.INSTRUMENTS):
        family = FAMILIES[FAMILY_INDEX[name]]
        keys[index, family.lowest_pitch - v.MIN_PITCH : family.highest_pitch - v.MIN_PITCH + 1] = True
    return keys


_KEYS = _playable_keys()


class EventsState:
    """Where in a piece we are, after `<START>`. `advance` moves past an id, `allowed` masks the next. Cheap to `copy`.

    Raises:
        UsageError: the rules ask for a family that this language does not have, or for more than it has.
    """

    def __init__(self, rules: Rules, *, size: int = v.BASE_SIZE) -> None:
        allowed = [name in rules.families for name in v.INSTRUMENTS]
        strange = [name for name in rules.required if name not in v.INSTRUMENTS]
        known = ", ".join(v.INSTRUMENTS)
        if strange or not any(allowed):
            which = ", ".join(strange) if strange else "none of these"
            raise UsageError(f"--instruments: this model plays only {known}, not {which}; choose among them")
        if rules.min_instruments > sum(allowed):
            raise UsageError(
                f"--min-instruments {rules.min_instruments} is more than the {sum(allowed)} allowed of those that this "
                f"model plays ({known}); ask for fewer"
            )
        self.rules, self.size = rules, size
        self.may_play = np.array(allowed)
        self.required = np.array([name in rules.required for name in v.INSTRUMENTS])
        self.heard = np.zeros(_N, bool)
        self.sounding = np.zeros((_N, v.N_PITCHES), bool)
        self.struck_now = np.zeros((_N, v.N_PITCHES), bool)
        self.elapsed_ms = 0
        self.silent_since_ms = 0
        self.n_struck_now = 0
        self.struck_at_ms: list[int] = []  # of the last second
        self.limit_ms = _limit_ms(rules)
        self.done = False
        self.ids_left: int | None = None
        """How many ids may still be written, if that is limited; kept up to date by `advance`."""

    def copy(self) -> EventsState:
        other = copy.copy(self)
        for name in ("heard", "sounding", "struck_now", "struck_at_ms"):
            setattr(other, name, getattr(self, name).copy())
        return other

    @property
    def elapsed_s(self) -> float:
        return self.elapsed_ms / 1000.0

    def finish(self) -> None:
        """Come to an end within a second: what sounds may still be ended."""
        wanted = self.elapsed_ms + v.MAX_SHIFT_MS
        self.limit_ms = wanted if self.limit_ms is None else min(self.limit_ms, wanted)
        self._end_if_over()

    # -- moving on -------------------------------------------------------------------------------------------------

    def advance(self, token: int) -> None:
        token = int(token)
        if self.ids_left is not None:
            self.ids_left -= 1
        if v.is_shift(token):
            self._shift(v.shift_ms(token))
        elif v.is_note(token):
            instrument, on, pitch = v.parse_note(token)
            key = (instrument, pitch - v.MIN_PITCH)
            self.sounding[key] = on
            if on:
                self.heard[instrument] = True
                self.struck_now[key] = True
                self.n_struck_now += 1
                self.struck_at_ms.append(self.elapsed_ms)
            elif not self.sounding.any():
                self.silent_since_ms = self.elapsed_ms
        self._end_if_over()

    def _shift(self, milliseconds: int) -> None:
        self.elapsed_ms += milliseconds
        self.struck_now[:] = False
        self.n_struck_now = 0
        self.struck_at_ms = [at for at in self.struck_at_ms if at > self.elapsed_ms - 1000]

    def _end_if_over(self) -> None:
        over = self.limit_ms is not None and self.elapsed_ms >= self.limit_ms
        self.done = self.done or bool(over and not self.sounding.any() and not self._due().any())

    # -- what may come ---------------------------------------------------------------------------------------------

    def allowed(self) -> np.ndarray:
        """bool (size,): the ids that may come next. After the end: only PAD."""
        mask = np.zeros(self.size, bool)
        if self.done:
            mask[v.PAD] = True
            return mask
        notes = mask[v.NOTE_0 : v.SHIFT_0].reshape(_N, 2, v.N_PITCHES)
        due = self._due()
        over = self.limit_ms is not None and self.elapsed_ms >= self.limit_ms
        room_ms = np.inf if self.limit_ms is None else self.limit_ms - self.elapsed_ms
        if due.any():
            room_ms = min(room_ms, self._due_ms() - self.elapsed_ms)
            # to be heard takes an ON, a shift and an OFF
            no_room = self.ids_left is not None and self.ids_left <= 3 * self._n_due()
            if room_ms < v.GRID_MS or no_room:  # now or never
                notes[due, 1] = (_KEYS & ~self.sounding)[due]
                return mask
        notes[:, 0] = self.sounding & ~self.struck_now
        if over:
            notes[:, 0] = self.sounding  # even what has just been struck must end
            return mask
        if not self._is_crowded():
            notes[:, 1] = _KEYS & ~self.sounding & ~self.struck_now & self.may_play[:, None]
        shifts = mask[v.SHIFT_0 : v.BASE_SIZE]
        shifts[:] = room_ms >= _SHIFTS_MS
        silence_ms = self.elapsed_ms - self.silent_since_ms
        if not self.sounding.any() and silence_ms >= MAX_SILENCE_S * 1000 and notes[:, 1].any():
            shifts[:] = False
        return mask

    def _due_ms(self) -> int:
        half = DUE_S * 1000 if self.limit_ms is None else min(DUE_S * 1000, self.limit_ms / 2)
        return int(half // v.GRID_MS) * v.GRID_MS

    def _due(self) -> np.ndarray:
        """bool (instruments,): those that must still enter; any of several when only their number is asked for."""
        due = self.required & ~self.heard
        missing = self.rules.min_instruments - int((self.heard | due).sum())
        if missing > 0:
            due = self.may_play & ~self.heard
        return due

    def _n_due(self) -> int:
        """How many instruments must still enter at the least."""
        required = int((self.required & ~self.heard).sum())
        return max(required, self.rules.min_instruments - int(self.heard.sum()))

    def _is_crowded(self) -> bool:
        return (
            self.n_struck_now >= self.rules.max_notes_at_once
            or len(self.struck_at_ms) >= self.rules.max_notes_per_second
        )


def _limit_ms(rules: Rules) -> int | None:
    """The asked length on the 8 ms grid (at least one step), or None."""
    seconds = rules.seconds
    if seconds is None and rules.bars is not None:
        numerator, denominator = rules.meter or (4, 4)
        seconds = rules.bars * 4.0 * numerator / denominator * 60.0 / (rules.tempo_bpm or 120.0)
    return None if seconds is None else max(round(seconds * 1000.0 / v.GRID_MS), 1) * v.GRID_MS
