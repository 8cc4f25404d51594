"""Scale consistency: the share of notes inside the seven-note scale that fits a piece best.

Conventions
    0..1, higher is more tonal: 7/12 = .583 for notes drawn blindly (a little more, as the best of twelve is taken), 1 for
    white keys. Notes are counted; drums left out. Major and natural minor have the same twelve sets. NaN without pitched
    notes.

Metrics
    scale_consistency    max over scales of the pitch-in-scale rate; MusPy, arXiv 2008.01951, after Mogren, C-RNN-GAN,
                         arXiv 1611.09904.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.bar_grid import BarGrid

_MAJOR = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1])


def scale_consistency(grid: BarGrid) -> float:
    """0..1, or NaN."""
    if not len(grid.pitched):
        return float("nan")
    counts = np.bincount(grid.pitched["pitch"] % 12, minlength=12)
    return float(max(counts @ np.roll(_MAJOR, tonic) for tonic in range(12)) / counts.sum())


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    return OrderedDict(scale_consistency=scale_consistency(grid))
