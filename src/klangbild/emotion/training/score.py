"""How good predictions are: correlation, concordance, error and coverage, with intervals that respect the groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.metrics.intervals import bootstrap


@dataclass(frozen=True)
class Score:
    """r with its 95 % interval, CCC (Lin 1989), mean absolute error, and the share inside the stated 80 % intervals."""

    r: float
    r_low: float
    r_high: float
    ccc: float
    mae: float
    coverage: float

    def as_dict(self) -> dict[str, float | list[float]]:
        """For a card, rounded."""
        return {
            "r": round(self.r, 3), "r_95": [round(self.r_low, 3), round(self.r_high, 3)], "ccc": round(self.ccc, 3),
            "mae": round(self.mae, 3), "coverage_of_80": round(self.coverage, 3),
        }  # fmt: skip

    def __str__(self) -> str:
        return (
            f"{self.r:.2f} [{self.r_low:.2f}, {self.r_high:.2f}] / {self.ccc:.2f} / {self.mae:.3f}"
            f" / covers {self.coverage:.0%}"
        )


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of (n,) and (n,), -1..1; 0 when one of the two does not vary."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 1e-12 else 0.0


def concordance(a: np.ndarray, b: np.ndarray) -> float:
    """Lin's concordance correlation coefficient of (n,) and (n,), -1..1: r, less for another mean or spread."""
    return float(
        2 * ((a - a.mean()) * (b - b.mean())).mean() / (a.var() + b.var() + (a.mean() - b.mean()) ** 2 + 1e-12)
    )


def score(predicted: np.ndarray, rated: np.ndarray, half_width: np.ndarray, groups: np.ndarray, *, seed: int) -> Score:
    """All arrays (n,). The interval is a bootstrap over whole groups (themes, artists), since pictures of one are alike."""
    names, index = np.unique(groups, return_inverse=True)
    members = [np.flatnonzero(index == g) for g in range(len(names))]

    def of_groups(numbers: np.ndarray) -> float:
        pick = np.concatenate([members[int(g)] for g in numbers])
        return correlation(predicted[pick], rated[pick])

    r = bootstrap(np.arange(len(members)), of_groups, seed=seed)
    inside = np.abs(predicted - rated) <= half_width
    return Score(
        correlation(predicted, rated), r.low, r.high, concordance(predicted, rated),
        float(np.abs(predicted - rated).mean()), float(inside.mean()),
    )  # fmt: skip
