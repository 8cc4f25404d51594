"""Which bars a variation writes anew: a share of them, drawn by the seed so that more holds less; bars that are alike go together, so that the form
stays.

At 0 nothing changes, at 1 every bar. The bars drawn for a smaller share are among those for a larger one of the same seed.
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
COOLEST = 0.85
"""The temperature of a variation that changes next to nothing; of the largest it is 1."""


def varied(
    file: Opened, share: float, writer: Writer, on_progress: Callable[[float, float], bool | None] | None = None
) -> MidiEvents:
    """The file, changed by a share 0..1: so many of its bars written anew, more adventurously the larger it is. Raises Stopped."""
    rewriting = Rewriting(file)
    groups = alike(file, rewriting.lines)
    bars = bars_to_vary(groups, share, writer.seed)
    heads = [bar for bar in bars if groups[bar] == bar]
    spans = runs(heads)
    writer = replace(writer, fills=FILLS, temperature=COOLEST + (1.0 - COOLEST) * share, like_before=True)
    for done, (first, last) in enumerate(spans):
        try:
            rewriting.write((first, last), writer, telling(on_progress, done, len(spans)))
        except UsageError:  # a rest of all
            continue
        for bar in bars:
            if first <= groups[bar] < last and groups[bar] != bar:
                rewriting.copy(groups[bar], bar)
    return rewriting.events()


def alike(opened: Opened, lines: BarLines) -> list[int]:
    """For each bar the number of the first one with the same notes at the same places: its own, where it is new. Empty bars are alike."""
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


def bars_to_vary(groups: list[int], share: float, seed: int) -> list[int]:
    """The bars, from 0, that are to change: whole groups of like ones, until `share` of all bars is reached."""
    order = np.random.default_rng([seed, 11]).permutation(sorted(set(groups)))
    wanted, found = round(share * len(groups)), []
    for first in order:
        if len(found) >= wanted:
            break
        found += [bar for bar, group in enumerate(groups) if group == first]
    return sorted(found)


def runs(bars: list[int]) -> list[tuple[int, int]]:
    """Bars -> spans (first, last + 1) of those that follow each other, none longer than eight."""
    found: list[tuple[int, int]] = []
    for bar in bars:
        if found and found[-1][1] == bar and bar - found[-1][0] < 8:
            found[-1] = (found[-1][0], bar + 1)
        else:
            found.append((bar, bar + 1))
    return found
