"""Polyphony: how many notes sound at once.

Conventions
    Counted at every step at which a pitched note sounds; two instruments on one pitch are two notes. Drums are left out.
    NaN for a piece without pitched notes.

Metrics
    polyphony         mean number of notes sounding, over steps with any; >= 1. MusPy, arXiv 2008.01951.
    polyphony_rate    share of all steps with two notes or more, 0..1. Todd et al.; as in MusPy.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.bar_grid import BarGrid


def sounding_notes(grid: BarGrid) -> np.ndarray:
    """(steps,) int: how many pitched notes sound at each step of the piece."""
    n = int(grid.starts[-1])
    change = np.zeros(n + 1, int)
    np.add.at(change, grid.pitched["step"], 1)
    np.add.at(change, np.minimum(grid.pitched["step"] + grid.pitched["length"], n), -1)
    return np.cumsum(change)[:n]


def polyphony(grid: BarGrid) -> float:
    """>= 1, or NaN."""
    count = sounding_notes(grid)
    return float(count[count > 0].mean()) if (count > 0).any() else float("nan")


def polyphony_rate(grid: BarGrid) -> float:
    """0..1, or NaN."""
    count = sounding_notes(grid)
    return float((count >= 2).mean()) if (count > 0).any() else float("nan")


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    return OrderedDict(polyphony=polyphony(grid), polyphony_rate=polyphony_rate(grid))
