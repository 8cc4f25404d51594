"""Recorded numbers of a published system against ours: how far apart are they, and how far may they be?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Comparison:
    """One recorded array against ours: the largest error found and the largest one allowed, in the same measure."""

    name: str
    error: float
    tolerance: float

    @property
    def within(self) -> bool:
        """True if the error is a number and not above the tolerance."""
        return math.isfinite(self.error) and self.error <= self.tolerance


def largest_difference(ours, recorded) -> float:
    """The largest |ours - recorded| of two arrays; NaN must meet NaN. Other shapes: infinity.

    >>> largest_difference([1.0, 2.0], [1.0, 2.5]), largest_difference([1.0], [1.0, 2.0])
    (0.5, inf)
    """
    ours, recorded = np.asarray(ours, dtype=np.float64), np.asarray(recorded, dtype=np.float64)
    if ours.shape != recorded.shape:
        return math.inf
    if ours.size == 0:
        return 0.0
    both_nan = np.isnan(ours) & np.isnan(recorded)
    same = both_nan | (ours == recorded)  # equal infinities would subtract to NaN
    difference = np.abs(np.where(same, 0.0, ours) - np.where(same, 0.0, recorded))
    return math.inf if np.isnan(difference).any() else float(difference.max())


def n_different(ours, recorded) -> float:
    """How many ids differ; lists of other lengths count every missing or extra id.

    >>> n_different([1, 2, 3], [1, 5])
    2.0
    """
    ours, recorded = np.asarray(ours).ravel(), np.asarray(recorded).ravel()
    shared = min(len(ours), len(recorded))
    return float((ours[:shared] != recorded[:shared]).sum() + max(len(ours), len(recorded)) - shared)
