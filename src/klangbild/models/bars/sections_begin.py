"""Where the sections of a piece begin: every 8 bars, and at the bar line nearest to each second at which something is to change.

What lies between two changes is a stretch, with one tempo, one mode and a form of its own. The notes model was trained on sections of 8
bars of which only the last of a piece is shorter; so a stretch that a change ends is cut into no more short ones than it must be.
"""

from __future__ import annotations

from klangbild.models.bars.vocabulary import SECTION_BARS

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
