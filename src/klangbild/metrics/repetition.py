"""Repetition: does the music hang in a loop?

Conventions
    Bars are compared by what they play: (instrument family, step, pitch), not how loud. A loop of p bars that is heard r
    times in a row has r repeats (r = 1: not repeated). Empty bars are no loop. Real music loops too; hanging begins where
    it does not stop: more than 8 repeats.

Metrics
    longest_loop      most repeats in a row of any passage of 1, 2 or 4 bars; int >= 1, 0 for a piece without notes.
    repeated_bars     share of bars (from the second on) that any earlier bar of the piece played already, 0..1; NaN
                      below 2 bars.
    Source: ours (the goal "95 % of pieces without a bar-loop longer than 8 repeats").
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.bar_grid import BarGrid

LOOP_BARS = (1, 2, 4)
HANGING_ABOVE = 8


def longest_loop(grid: BarGrid) -> int:
    """Repeats of the longest loop."""
    bars = grid.contents
    best = 1 if any(bars) else 0
    for period in LOOP_BARS:
        run = 0
        for i in range(period, len(bars)):
            run = run + 1 if bars[i] == bars[i - period] and any(bars[i - period : i]) else 0
            best = max(best, run // period + 1)
    return best


def repeated_bars(grid: BarGrid) -> float:
    """0..1, or NaN."""
    bars = grid.contents
    if len(bars) < 2:
        return float("nan")
    seen, repeated = {bars[0]}, 0
    for bar in bars[1:]:
        repeated += bool(bar) and bar in seen
        seen.add(bar)
    return repeated / (len(bars) - 1)


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name; `hangs` is 1 where a loop has more than 8 repeats."""
    loop = longest_loop(grid)
    return OrderedDict(
        longest_loop=float(loop) if loop else np.nan,
        hangs=float(loop > HANGING_ABOVE) if loop else np.nan,
        repeated_bars=repeated_bars(grid),
    )
