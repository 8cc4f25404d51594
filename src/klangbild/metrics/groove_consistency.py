"""Groove consistency: do neighbouring bars place their onsets alike?

Conventions
    A bar is a yes/no vector of its steps (48 in 4/4): does any note, drums included, start there? 0..1; 1 where every bar
    has the rhythm of the one before. Only pairs of bars of one length are compared. NaN for a piece with no such pair.
    A loop scores 1: read it beside repetition.

Metrics
    groove_consistency    1 - mean over pairs of the Hamming distance / steps; Wu and Yang, arXiv 2008.01307, section 4.2
                          (grooving similarity), here of neighbours as in MusPy. MusPy's code divides by the number of
                          bars where its formula, and this, divide by the number of pairs.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import numpy as np

from klangbild.metrics.bar_grid import BarGrid


def onset_patterns(grid: BarGrid) -> list[np.ndarray]:
    """For each bar a bool array (steps,): does anything start at this step?"""
    patterns = []
    for notes, length in zip(grid.bar_notes, np.diff(grid.starts), strict=True):
        pattern = np.zeros(int(length), bool)
        pattern[notes["at"]] = True
        patterns.append(pattern)
    return patterns


def groove_consistency(grid: BarGrid) -> float:
    """0..1, or NaN."""
    patterns = onset_patterns(grid)
    distances = [np.mean(a != b) for a, b in pairwise(patterns) if len(a) == len(b)]
    return float(1.0 - np.mean(distances)) if distances else float("nan")


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    return OrderedDict(groove_consistency=groove_consistency(grid))
