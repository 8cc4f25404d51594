"""Where the sections of a piece begin: every 8 bars, and at the bar line nearest to each second at which something is to change; and how
many bars lie between the seconds at which bar lines are to stand (`music/hits.py`).

What lies between two changes is a stretch, with one tempo, one mode and a form of its own. The notes model was trained on sections of 8
bars of which only the last of a piece is shorter; so a stretch that a change ends is cut into no more short ones than it must be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from klangbild.models.bars.vocabulary import SECTION_BARS
from klangbild.music.hits import BarLine, bar_beats, lay_bars
from klangbild.music.length import MOST_TEMPO_CHANGE, whole_bars_fill
from klangbild.music.rules import Rules

AT_ONCE = 0.75
"""Bars: a hit and a change that are nearer to each other are one."""
SHORTEST_BARS = 4
"""A shorter rest of a stretch takes bars from the section before it."""


def stretch_sections(n_bars: int, *, ends_piece: bool) -> tuple[int, ...]:
    """The bars of each section of a stretch. ends_piece: there is no change behind it.

    >>> stretch_sections(21, ends_piece=False), stretch_sections(18, ends_piece=False), stretch_sections(18, ends_piece=True)
    ((8, 8, 5), (8, 4, 6), (8, 8, 2))
    """
    whole, rest = divmod(n_bars, SECTION_BARS)
    lengths = [SECTION_BARS] * whole + [rest] * bool(rest)
    if not ends_piece and whole and 0 < rest < SHORTEST_BARS:
        lengths[-2:] = [SHORTEST_BARS, SECTION_BARS - SHORTEST_BARS + rest]
    return tuple(lengths)


def stretch_bars(start_s: float, end_s: float, seconds_per_bar: float) -> int:
    """How many bars, at least one, bring a stretch from `start_s` nearest to `end_s`.

    >>> stretch_bars(0.0, 41.0, 2.0), stretch_bars(40.0, 40.5, 2.0)
    (20, 1)
    """
    return max(round((end_s - start_s) / seconds_per_bar), 1)


@dataclass(frozen=True)
class Layout:
    """How a stretch lies in time at a tempo. lines: bar lines at seconds that were asked for. end_bar: where it ends; None: nothing says so.
    end_s: and at which second. fits: whether its end, where that was asked for too, needs no more than the tempo may move."""

    lines: tuple[BarLine, ...]
    end_bar: int | None
    end_s: float
    fits: bool = True

    @property
    def is_whole(self) -> bool:
        """Whether no bar of it is cut."""
        return not any(line.cut for line in self.lines)


def lay_out(
    rules: Rules, number: int, start: BarLine, meter: tuple[int, int], bpm: float, *, anyhow: bool = False
) -> Layout | None:
    """Stretch `number` of a piece with these rules, from `start` on. None: not all hits find a bar line (anyhow: they do, however far the tempo
    has to move)."""
    bar_s = bar_beats(meter) * 60.0 / bpm
    ends_piece = number >= len(rules.changes_s)
    end_s = rules.seconds if ends_piece else rules.changes_s[number]
    reach = float("inf") if ends_piece else end_s + AT_ONCE * bar_s
    hits = [hit for hit in rules.hits_s if start.second + AT_ONCE * bar_s < hit < reach]
    lines = lay_bars(hits, meter, bpm, start=start, most=float("inf") if anyhow else MOST_TEMPO_CHANGE)
    if lines is None or (rules.bars and lines and lines[-1].bar >= rules.bars and not anyhow):
        return None
    last = lines[-1] if lines else start
    if end_s is None:
        return Layout(lines, None, last.second)
    if ends_piece:
        exactly = (end_s - last.second) / bar_s
        extra = rules.timing.extra_bars(last.bar + round(exactly), bar_beats(meter))
        fits = not rules.whole_bars or whole_bars_fill(max(end_s - last.second, 1e-3), bar_s, extra)
        return Layout(lines, last.bar + max(round(exactly - extra), 1), end_s, fits)
    if lines and abs(end_s - last.second) <= AT_ONCE * bar_s:
        return Layout(lines, last.bar, last.second)
    bars = stretch_bars(last.second, end_s, bar_s)
    fits = whole_bars_fill(max(end_s - last.second, 1e-3), bar_s)
    if fits and rules.tempo_bpm is None:
        return Layout((*lines, BarLine(last.bar + bars, end_s)), last.bar + bars, end_s)
    return Layout(lines, last.bar + bars, last.second + bars * bar_s, fits)


def can_begin(rules: Rules, meter: tuple[int, int], tempi: Sequence[float]) -> bool:
    """Whether at one of the tempi (bpm) the first stretch has a bar line for each of its hits."""
    return any(lay_out(rules, 0, BarLine(0, 0.0), meter, bpm) for bpm in tempi)
