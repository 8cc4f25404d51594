"""`Performance`: how the notes of a track are played, beside what is written: pedals, volume, pan, bends, the bank of its instrument.

Music of ours has none. A file of others has what its channels were sent; times are beats, as in `Piece`.

Reference: MIDI 1.0 Detailed Specification (MMA, 1996), controllers and registered parameters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

VOLUME, PAN, EXPRESSION, SUSTAIN, SOSTENUTO = 7, 10, 11, 64, 66
BEND, PRESSURE = 128, 129
"""Kinds of change beyond the 128 controllers: how far the pitch is bent, in cents, and pressure on the whole channel."""
_MIX = (VOLUME, PAN, EXPRESSION)
_RESTING = {VOLUME: 100, EXPRESSION: 127, PAN: 64, 8: 64, **dict.fromkeys(range(70, 80), 64)}


@dataclass(frozen=True, eq=False)
class Performance:
    """channel: 0..15. bank: of the instrument, 0 the first. at (n,) beats, kind (n,), value (n,): changes in order of time; kind is a
    controller's number, `BEND` or `PRESSURE`. onsets, keys (m,): every note that is struck in the channel, in order of time."""

    channel: int
    bank: int
    at: np.ndarray
    kind: np.ndarray
    value: np.ndarray
    onsets: np.ndarray
    keys: np.ndarray
    _known: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)

    def changes(self, kind: int) -> tuple[np.ndarray, np.ndarray]:
        """Beats (k,) and values (k,) of one kind; where several stand at one beat, the last."""
        if kind not in self._known:
            chosen = self.kind == kind
            at, value = self.at[chosen], self.value[chosen]
            last = np.append(at[1:] != at[:-1], True) if len(at) else np.zeros(0, bool)
            self._known[kind] = at[last], value[last]
        return self._known[kind]

    def values(self, kind: int, beats: np.ndarray) -> np.ndarray:
        """What a kind stands at, at beats (...,): float64 (...,)."""
        at, value = self.changes(kind)
        index = np.searchsorted(at, np.asarray(beats) + 1e-9, side="right")
        return np.concatenate([[float(_RESTING.get(kind, 0))], value])[index]

    @property
    def is_mixed(self) -> bool:
        """Whether its maker set how loud it is, or where it lies."""
        return any((self.value[self.kind == kind] != _RESTING[kind]).any() for kind in _MIX)

    def sounding_ends(self, notes: np.ndarray) -> np.ndarray:
        """Where notes (n,), structured, end to the ear, in beats (n,): where their key is let go or struck again, or, if a pedal holds
        them there, where that comes up (infinite: never)."""
        onset, end = notes["onset"], notes["onset"] + notes["duration"]
        for key in np.unique(notes["pitch"]).tolist():
            mine = notes["pitch"] == key
            struck = self.onsets[self.keys == key]
            again = np.append(struck, np.inf)[np.searchsorted(struck, onset[mine] + 1e-9, side="right")]
            end[mine] = np.minimum(end[mine], again)
        return np.maximum(_held_on(end, *self.changes(SUSTAIN)), _caught(onset, end, *self.changes(SOSTENUTO)))


def performances_mixed(performances: Iterable[Performance | None]) -> bool:
    """Whether music comes with a mix of its own."""
    return any(one is not None and one.is_mixed for one in performances)


def _held_on(end: np.ndarray, at: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Ends (n,), each moved to where the pedal that is down there comes up."""
    if not len(at):
        return end.copy()
    down = value >= 64
    index = np.searchsorted(at, end + 1e-9, side="right") - 1
    is_down = (index >= 0) & down[np.maximum(index, 0)]
    # the first change to "up" after each place
    ups = np.append(np.flatnonzero(~down), len(at))
    following = ups[np.searchsorted(ups, np.maximum(index, 0))]
    up_at = np.append(at, np.inf)[following]
    return np.where(is_down, up_at, end)


def _caught(onset: np.ndarray, end: np.ndarray, at: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Ends (n,), moved to where a sostenuto pedal comes up that went down while their key was held."""
    out = end.copy()
    down = value >= 64
    for index in np.flatnonzero(down & ~np.append(False, down[:-1])).tolist():
        ups = np.flatnonzero(~down[index:])
        up = at[index + ups[0]] if len(ups) else np.inf
        caught = (onset <= at[index] + 1e-9) & (end > at[index])
        out[caught] = np.maximum(out[caught], up)
    return out
