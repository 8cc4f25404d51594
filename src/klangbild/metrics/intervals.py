"""Intervals and p-values for any score: bootstrap over items, permutation of pairs. Every number in a report has one.

Conventions
    Values are float arrays (items,); an item is what was drawn independently (a piece, a file, a picture, a rater), never
    a note or a section of it. NaN marks an item on which a score is not defined: it is left out and counted.

Metrics
    bootstrap            percentile interval of any statistic of rows, by scipy's bootstrap; Efron and Tibshirani (1993), chapter 13.
    permutation_p_value  (1 + number of shuffles at least as good) / (1 + shuffles), never 0, by scipy's permutation_test;
                         Phipson and Smyth (2010). Exact where all orders are no more than the shuffles (up to 7 pairs).
    centred_interval     ours: scipy has none for distances of sets, whose resamples all lie above the value.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from klangbild.errors import InputError

RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; n items counted, `missing` without a value. All NaN where nothing was defined."""

    value: float
    low: float
    high: float
    n: int
    missing: int = 0

    def as_dict(self) -> dict[str, float | int | None]:
        """For JSON: NaN becomes None."""
        numbers = {"value": self.value, "low": self.low, "high": self.high}
        out: dict[str, float | int | None] = {k: round(v, 6) if np.isfinite(v) else None for k, v in numbers.items()}
        return out | {"n": self.n} | ({"missing": self.missing} if self.missing else {})

    def __str__(self) -> str:
        if not np.isfinite(self.value):
            return "not defined"
        if not np.isfinite(self.low):
            return f"{self.value:.3g}"
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def bootstrap(
    rows: np.ndarray,
    statistic: Callable[[np.ndarray], float] = np.mean,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """The statistic of `rows` (items, ...) with the 2.5 and 97.5 percentiles over resamples of items.

    Rows of one number that are NaN are left out. One item says nothing of spread: it has no interval (NaN).

    >>> str(bootstrap(np.array([1.0, 1.0, 1.0])))
    '1 [1, 1]'
    """
    rows = np.asarray(rows, np.float64)
    missing = 0
    if rows.ndim == 1:
        known = np.isfinite(rows)
        missing = int((~known).sum())
        rows = rows[known]
    if not len(rows):
        return Estimate(np.nan, np.nan, np.nan, 0, missing)
    if len(rows) == 1:
        return Estimate(float(statistic(rows)), np.nan, np.nan, 1, missing)
    means = statistic is np.mean and rows.ndim == 1
    items, of_items = (rows, np.mean) if means else (np.arange(len(rows)), lambda picked: statistic(rows[picked]))
    low, high = _middle_95((items,), of_items, means, resamples, seed)
    return Estimate(float(statistic(rows)), low, high, len(rows), missing)


def _middle_95(
    columns: tuple[np.ndarray, ...], statistic: Callable[..., Any], vectorized: bool, resamples: int, seed: int
) -> tuple[float, float]:
    """The percentiles over scipy's resamples of columns (n,), paired; those on which the statistic is not defined are left out.

    scipy's own interval is NaN with a warning as soon as one resample is: six ratings of which five are equal, say.
    """
    from scipy.stats import bootstrap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = bootstrap(
            columns, statistic, paired=len(columns) > 1, vectorized=vectorized, n_resamples=resamples,
            method="percentile", random_state=np.random.default_rng(seed),
        ).bootstrap_distribution  # fmt: skip
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) else (np.nan, np.nan)
    return float(low), float(high)


def centred_interval(value: float, drawn: np.ndarray) -> tuple[float, float]:
    """95 % interval (low, high) from resampled values (resamples,), moved so that their median is the value itself.

    For distances and overlaps of sets: a resample repeats items, which makes every set look poorer than it is, by an amount
    that has nothing to do with the spread. Neither end is below 0, as no distance is. NaN where nothing could be drawn.
    """
    drawn = np.asarray(drawn, np.float64)
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn) or not np.isfinite(value):
        return float("nan"), float("nan")
    low, middle, high = np.percentile(drawn, [2.5, 50, 97.5])
    return float(max(value + low - middle, 0.0)), float(max(value + high - middle, 0.0))


def permutation_p_value(
    scores: np.ndarray,
    *,
    statistic: Callable[[np.ndarray], float] | None = None,
    shuffles: int = 9999,
    seed: int = 0,
) -> float:
    """How often a random matching of rows and columns does at least as well as the right one (the diagonal).

    scores: float (n, n), higher is better, entry [i, j] = picture i with music j. statistic: of a permuted matrix (columns
    moved so that the matching stands on the diagonal); default its mean diagonal.

    Raises:
        InputError: not square, fewer than two items, or not finite.
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1] or len(scores) < 2 or not np.isfinite(scores).all():
        raise InputError(f"scores of shape {scores.shape}: need a finite square of 2 items or more to shuffle")
    from scipy.stats import permutation_test

    rows = np.arange(len(scores))
    if statistic is None:
        of_order = lambda order, axis: scores[rows, order.astype(int)].mean(axis=axis)  # noqa: E731
    else:
        of_order = lambda order: statistic(scores[:, order.astype(int)])  # noqa: E731
    found = permutation_test(
        (rows,), of_order, permutation_type="pairings", vectorized=statistic is None, n_resamples=shuffles,
        batch=1000, alternative="greater", random_state=np.random.default_rng(seed),
    )  # fmt: skip
    return float(found.pvalue)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of two columns (n,), -1..1; ties share their mean rank. NaN where one of them is constant.

    >>> spearman(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 4, 3])).__round__(6)
    0.8
    """
    from scipy.stats import spearmanr

    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def bootstrap_spearman(a: np.ndarray, b: np.ndarray, *, resamples: int = 500, seed: int = 0) -> Estimate:
    """`spearman` of paired values (n,) with its interval over pairs, all resamples at once; pairs with a NaN are left out."""
    from scipy.stats import rankdata

    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    known = np.isfinite(a) & np.isfinite(b)
    missing = int((~known).sum())
    a, b = a[known], b[known]
    if len(a) < 3:
        return Estimate(np.nan, np.nan, np.nan, len(a), missing)

    def of_rows(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        # scipy's own spearmanr takes the rows of a matrix for variables, so it cannot take many resamples at once
        centred = [rankdata(values, axis=axis) - (values.shape[axis] + 1) / 2 for values in (a, b)]
        lengths = np.sqrt((centred[0] ** 2).sum(axis=axis) * (centred[1] ** 2).sum(axis=axis))
        with np.errstate(invalid="ignore"):
            return (centred[0] * centred[1]).sum(axis=axis) / lengths

    low, high = _middle_95((a, b), of_rows, True, resamples, seed)
    return Estimate(spearman(a, b), low, high, len(a), missing)
