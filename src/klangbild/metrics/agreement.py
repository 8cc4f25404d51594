"""Do raters agree, are they consistent with themselves, and how many of them are needed?

Conventions
    Ratings are float (raters, units), NaN where a rater did not rate a unit. Alpha is 1 for perfect agreement, 0 for chance,
    below 0 for systematic disagreement; NaN where nothing can vary or no unit has two ratings.

Metrics
    krippendorff_alpha    1 - observed / expected disagreement; levels nominal, ordinal, interval. Krippendorff (2011),
                          "Computing Krippendorff's Alpha-Reliability".
    raters_needed         for a paired difference at 5 % (two-sided) and 80 % power: ((1.960 + 0.842) sd / difference)^2;
                          Cohen (1988).
    raters_needed_share   the same for a share against one half or chance, by the normal approximation.
"""

from __future__ import annotations

import math

import numpy as np

from klangbild.errors import InputError

LEVELS = ("nominal", "ordinal", "interval")
_Z = 1.959963985 + 0.841621234


def validate(ratings: np.ndarray, level: str) -> None:
    """(raters, units) and a known level.

    Raises:
        InputError: otherwise.
    """
    if np.asarray(ratings).ndim != 2:
        raise InputError(f"ratings of shape {np.asarray(ratings).shape}; need (raters, units)")
    if level not in LEVELS:
        raise InputError(f"level '{level}' is not known; choose from {', '.join(LEVELS)}")


def krippendorff_alpha(ratings: np.ndarray, *, level: str = "interval") -> float:
    """Agreement of all raters over all units of `ratings` (raters, units), NaN where one is missing: up to 1, 0 is chance."""
    ratings = np.asarray(ratings, np.float64)
    validate(ratings, level)
    values = np.unique(ratings[np.isfinite(ratings)])
    if len(values) < 2:
        return float("nan")
    coincidence = np.zeros((len(values), len(values)))
    for unit in ratings.T:
        given = unit[np.isfinite(unit)]
        if len(given) < 2:
            continue
        counts = np.bincount(np.searchsorted(values, given), minlength=len(values)).astype(float)
        coincidence += (np.outer(counts, counts) - np.diag(counts)) / (len(given) - 1)
    totals = coincidence.sum(axis=1)
    n = totals.sum()
    if n < 2:
        return float("nan")
    difference = _difference(values, totals, level)
    observed = (coincidence * difference).sum()
    expected = (np.outer(totals, totals) * difference).sum() / (n - 1)
    return float(1 - observed / expected) if expected > 0 else float("nan")


def _difference(values: np.ndarray, totals: np.ndarray, level: str) -> np.ndarray:
    if level == "nominal":
        return (values[:, None] != values[None]).astype(float)
    if level == "interval":
        return (values[:, None] - values[None]) ** 2
    # ordinal: how many ratings lie between two values, half of the ends counted
    middle = np.cumsum(totals) - totals / 2
    return (middle[:, None] - middle[None]) ** 2


def raters_needed(difference: float, sd: float) -> int | None:
    """Raters for a paired difference (rater means of one engine minus the other); None where there is none to find.

    >>> raters_needed(0.5, 1.0)
    32
    """
    if not (math.isfinite(difference) and math.isfinite(sd)) or difference == 0:
        return None
    return max(2, math.ceil((_Z * sd / abs(difference)) ** 2))


def raters_needed_share(share: float, *, chance: float = 0.5, answers_each: float = 1.0) -> int | None:
    """Raters so that a share is told from chance, each giving `answers_each` answers (taken as independent)."""
    if not math.isfinite(share) or share == chance:
        return None
    spread = 1.959963985 * math.sqrt(chance * (1 - chance)) + 0.841621234 * math.sqrt(max(share * (1 - share), 1e-9))
    return max(2, math.ceil((spread / (share - chance)) ** 2 / max(answers_each, 1e-9)))
