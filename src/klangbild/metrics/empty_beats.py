"""Empty-beat rate: the share of quarter-note beats in which nothing sounds.

Conventions
    0..1. A beat is empty when no note starts in it or is held into it; counted from beat 0 to the end of the last bar.
    NaN for a piece without notes (it has no beats).

Metrics
    empty_beat_rate    MusPy, arXiv 2008.01951; Dong et al., MuseGAN, arXiv 1709.06298 (there per bar).
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.bar_grid import STEPS_PER_BEAT, BarGrid


def empty_beat_rate(grid: BarGrid) -> float:
    """0..1, or NaN."""
    if not len(grid.notes):
        return float("nan")
    n_beats = int(np.ceil(grid.starts[-1] / STEPS_PER_BEAT))
    first = grid.notes["step"] // STEPS_PER_BEAT
    last = np.minimum((grid.notes["step"] + grid.notes["length"] - 1) // STEPS_PER_BEAT, n_beats - 1)
    change = np.zeros(n_beats + 1, int)
    np.add.at(change, first, 1)
    np.add.at(change, last + 1, -1)
    return float((np.cumsum(change)[:n_beats] == 0).mean())


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    return OrderedDict(empty_beat_rate=empty_beat_rate(grid))
