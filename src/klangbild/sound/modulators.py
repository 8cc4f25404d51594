"""Modulators: how velocity, key and controllers move what a zone's generators set.

The default ones of the specification, those of a font in their place, and their value for a note. The volume and expression of a
channel are at rest here (`performance` moves them while a note sounds), its pan and pitch wheel too.

Two of the specification's defaults are read as FluidSynth and fonts made for it read them: velocity closes no filter by itself (the
specification's own wording of it contradicts itself, and fonts that want it say so), and attenuation of velocity, volume and
expression spans 96 dB.

Reference: SoundFont Technical Specification 2.04 (Creative/E-mu, 2006), 8.2 to 8.4 and 9.5.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

VELOCITY, KEY, POLY_PRESSURE, CHANNEL_PRESSURE, PITCH_WHEEL, WHEEL_RANGE = 2, 3, 10, 13, 14, 16
_CONTROLLER, _DOWN, _BIPOLAR = 0x80, 0x100, 0x200
ATTENUATION, PAN, CUTOFF, VIBRATO = 48, 17, 8, 6
_SENDS = (15, 16)  # to a chorus and a reverb, which the mix has its own of
VOLUME, CC_PAN, EXPRESSION, WHEEL = 7, 10, 11, 1
# ranges, links, overrides and modes, which nothing moves
_FIXED = frozenset({41, 43, 44, 46, 47, 53, 54, 56, 57, 58})
VOLUME_AT_REST_CB = -400 * math.log10(100 / 127)
"""What the volume that a channel has at first, 100, takes off every note."""
# controllers that do not rest at 0
_AT_REST = {VOLUME: 100, 8: 64, CC_PAN: 64, EXPRESSION: 127, **dict.fromkeys(range(70, 80), 64)}

Identity = tuple[int, int, int, int]
"""Source, target, second source, transform: two modulators of one identity stand for each other."""
DEFAULTS: Mapping[Identity, int] = {
    (0x500 | VELOCITY, ATTENUATION, 0, 0): 960,
    (CHANNEL_PRESSURE, VIBRATO, 0, 0): 50,
    (_CONTROLLER | WHEEL, VIBRATO, 0, 0): 50,
    (0x500 | _CONTROLLER | VOLUME, ATTENUATION, 0, 0): 960,
    (0x500 | _CONTROLLER | EXPRESSION, ATTENUATION, 0, 0): 960,
    (0x200 | _CONTROLLER | CC_PAN, PAN, 0, 0): 500,
}


@dataclass(frozen=True)
class Controllers:
    """What a channel's controllers stand at: (number, value) of those that have moved, in order; pressure of the whole channel."""

    moved: tuple[tuple[int, int], ...] = ()
    pressure: int = 0

    def __getitem__(self, number: int) -> int:
        for controller, value in self.moved:
            if controller == number:
                return value
        return _AT_REST.get(number, 0)


AT_REST = Controllers()


def read_modulators(rows: np.ndarray) -> dict[Identity, int]:
    """A table's rows (n,) -> amount by identity, the last of equals; what has no target or an unknown source is left out."""
    found: dict[Identity, int] = {}
    for source, target, amount, by, transform in rows.tolist():
        if (
            target < 61
            and target not in _FIXED
            and transform in (0, 2)
            and _is_known(source)
            and _is_known(by)
            and source
        ):
            found[source, target, by, transform] = amount
    return found


def joined(instrument: Mapping[Identity, int], preset: Mapping[Identity, int]) -> tuple[tuple[Identity, int], ...]:
    """Those of an instrument's zone stand in for the defaults, those of a preset's zone are added (9.5.1). None of amount 0."""
    amounts = {**DEFAULTS, **instrument}
    for identity, amount in preset.items():
        amounts[identity] = amounts.get(identity, 0) + amount
    return tuple((identity, amount) for identity, amount in amounts.items() if amount)


def moved_by(
    modulators: Iterable[tuple[Identity, int]], *, key: int, velocity: int, controllers: Controllers
) -> dict[int, float]:
    """What is added to each generator (by number, in its own unit) for a note."""
    total: dict[int, float] = {}
    for (source, target, by, transform), amount in modulators:
        value = amount * _reading(source, key, velocity, controllers)
        if by:
            value *= _reading(by, key, velocity, controllers)
        if value:
            total[target] = total.get(target, 0.0) + (abs(value) if transform == 2 else value)
    return total


def controllers_heard(modulators: Iterable[tuple[Identity, int]]) -> set[int]:
    """The controllers' numbers that change the sound; CHANNEL_PRESSURE + 128 for the pressure."""
    heard = set()
    for (source, target, by, _), _ in modulators:
        for one in (source, by):
            if one & _CONTROLLER and target not in _SENDS:
                heard.add(one & 0x7F)
            elif one & 0x7F == CHANNEL_PRESSURE:
                heard.add(128 + CHANNEL_PRESSURE)
    return heard


def _is_known(source: int) -> bool:
    index = source & 0x7F
    if source & _CONTROLLER:
        return index not in (0, 6, 32, 38, *range(98, 102), *range(120, 128))
    return source >> 10 < 4 and index in (
        0,
        VELOCITY,
        KEY,
        POLY_PRESSURE,
        CHANNEL_PRESSURE,
        PITCH_WHEEL,
        WHEEL_RANGE,
    )


def _reading(source: int, key: int, velocity: int, controllers: Controllers) -> float:
    """A source's value through its curve: 0..1, or -1..1 where it is bipolar."""
    index = source & 0x7F
    if source & _CONTROLLER:
        value = controllers[index] / 127
        if index in (8, CC_PAN) and source & _BIPOLAR:  # MIDI's RP-036: 64 is the middle, 0 and 1 are both hard left
            value = max(controllers[index] - 1, 0) / 126
    elif index == 0:
        return 1.0
    elif index == VELOCITY:
        value = velocity / 127
    elif index == KEY:
        value = key / 127
    elif index == CHANNEL_PRESSURE:
        value = controllers.pressure / 127
    elif index == PITCH_WHEEL:
        value = 0.5
    elif index == WHEEL_RANGE:
        value = 2 / 127
    else:
        value = 0.0
    return curved(source, value)


def curved(source: int, value: float) -> float:
    """A value 0..1 through the curve that a source asks for (8.2.1): linear, concave, convex or a switch."""
    if source & _DOWN:
        value = 1 - value
    kind = source >> 10
    if not source & _BIPOLAR:
        return _shape(kind, value)
    if kind == 0:
        return 2 * value - 1
    if kind == 3:
        return 1.0 if value >= 0.5 else -1.0
    return _shape(kind, 2 * value - 1) if value > 0.5 else -_shape(kind, 1 - 2 * value)


def _shape(kind: int, value: float) -> float:
    if kind == 0:
        return value
    if kind == 3:
        return 1.0 if value >= 0.5 else 0.0
    if kind == 1:
        return min(-400 / 960 * math.log10(max(1 - value, 1e-6)), 1.0)
    return max(1 + 400 / 960 * math.log10(max(value, 1e-6)), 0.0)
