"""Pitch-class entropy: how evenly the twelve pitch classes are used.

Conventions
    A piece gives one number, 0 (one pitch class) to log2 12 = 3.585 (all alike), in bits. Notes are counted, not weighed
    by length; drums have no pitch class. NaN for a piece without pitched notes. Neither low nor high is good by itself:
    compare with real music.

Metrics
    pitch_class_entropy    -sum p log2 p; Wu and Yang, "The Jazz Transformer on the Front Line", arXiv 2008.01307, section
                           4.1 (there per bar as well); per piece as in MusPy, arXiv 2008.01951.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.bar_grid import BarGrid


def pitch_class_entropy(grid: BarGrid) -> float:
    """Bits, 0..3.585, or NaN."""
    if not len(grid.pitched):
        return float("nan")
    share = np.bincount(grid.pitched["pitch"] % 12, minlength=12) / len(grid.pitched)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum()) + 0.0


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    return OrderedDict(pitch_class_entropy=pitch_class_entropy(grid))
