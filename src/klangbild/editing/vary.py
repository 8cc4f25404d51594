"""A piece changed a little or much: a share of its bars written anew, two by two (in a short one, one by one), in an order that the seed draws.

At 0 nothing changes, at 1 every bar. Each pair is written as it would be for any larger share, so that a variation of 0.3 is that of 0.2 with some bars
more; the later ones are drawn more adventurously. Pairs that are alike change alike, so that what came back still comes back: the form stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from klangbild.editing.midi_events import MidiEvents, ticks_of
from klangbild.editing.parts import Opened
from klangbild.editing.rewrite import Rewriting, Writer, telling
from klangbild.errors import UsageError
from klangbild.models.bars.bars_window import BarLines

FILLS = 2
COOLEST, HOTTEST = 0.85, 1.05
"""The temperature of the first pair of bars that changes, and of the last."""
UNIT_BARS, SHORT_BARS = 2, 12
"""Bars that change together; in a piece of fewer than `SHORT_BARS` each by itself."""


def varied(
    file: Opened, share: float, writer: Writer, on_progress: Callable[[float, float], bool | None] | None = None
) -> MidiEvents:
    """The file, changed by a share 0..1. Raises Stopped."""
    rewriting = Rewriting(file)
    groups = alike(file, rewriting.lines)
    units = units_alike(groups, UNIT_BARS if len(groups) >= SHORT_BARS else 1)
    order = units_to_vary(units, len(rewriting.lines), share, writer.seed)
    for done, (heat, group) in enumerate(order):
        (first, last), *others = units[group]
        own = replace(writer, fills=FILLS, temperature=COOLEST + (HOTTEST - COOLEST) * heat, like_before=True)
        try:
            rewriting.write((first, last), own, telling(on_progress, done, len(order)))
        except UsageError:  # a rest of all
            continue
        for begin, _ in others:
            for bar in range(last - first):
                rewriting.copy(first + bar, begin + bar)
    return rewriting.events()


def alike(opened: Opened, lines: BarLines) -> list[int]:
    """For each bar the number of the first one with the same notes at the same places: its own, where it is new."""
    division = opened.events.division
    starts = ticks_of(lines.starts, division)
    rows: list[list[tuple]] = [[] for _ in range(len(lines))]
    for number, part in enumerate(opened.parts):
        bars = lines.bar_of(np.array([note.begin for note in part.notes]) / division) if part.notes else []
        for note, bar in zip(part.notes, bars, strict=True):
            rows[bar].append((number, note.begin - int(starts[bar]), note.end - note.begin, note.pitch))
    first: dict[tuple, int] = {}
    return [
        first.setdefault((int(starts[bar + 1] - starts[bar]), tuple(sorted(rows[bar]))), bar)
        for bar in range(len(lines))
    ]


def units_alike(groups: list[int], size: int = UNIT_BARS) -> list[list[tuple[int, int]]]:
    """Bars, by the numbers of `alike` -> spans of `size` bars (first, last + 1), those that are alike together, in order.

    >>> units_alike([0, 1, 2, 3, 0, 1, 6])
    [[(0, 2), (4, 6)], [(2, 4)], [(6, 7)]]
    """
    found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for first in range(0, len(groups), size):
        found.setdefault(tuple(groups[first : first + size]), []).append((first, min(first + size, len(groups))))
    return list(found.values())


def units_to_vary(units: list[list[tuple[int, int]]], n_bars: int, share: float, seed: int) -> list[tuple[float, int]]:
    """The numbers of the units that are to change, in the order in which they do, each with its place 0..1 in the order of all: as many as bring the
    bars to `share` of the piece."""
    order = np.random.default_rng([seed, 11]).permutation(len(units)).tolist()
    wanted, covered = share * n_bars, 0
    found: list[tuple[float, int]] = []
    for place, number in enumerate(order):
        if covered >= wanted - 0.5 and (found or not share):
            break
        found.append((place / max(len(order) - 1, 1), number))
        covered += sum(last - first for first, last in units[number])
    return found
