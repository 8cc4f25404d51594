"""Which picture is this music for? Retrieval, and right against shuffled pairs.

Conventions
    scores: float (pictures, music), entry [i, j] how well music j fits picture i, higher is better; the right pairs stand on
    the diagonal. Ties are broken against the right pair by half: a constant score gets the rank of chance, not 1.
    p-values: how often a random matching does at least as well (9,999 of them).

Metrics
    top1, top5          share of music whose own picture is the best, or among the five best, fitting; chance 1/n and 5/n.
    mean_rank           of the own picture, 1..n; chance (n + 1) / 2.
    right, shuffled     mean score of right pairs, and of all others; `advantage` their difference.
    Source: the protocol of Radford et al. (2021), CLIP, for retrieval; Phipson and Smyth (2010) for the p-values.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.errors import InputError
from klangbild.metrics.intervals import Estimate, bootstrap, permutation_p_value


def validate(scores: np.ndarray) -> None:
    """Scores are a finite square (pairs, pairs) of two pairs or more.

    Raises:
        InputError: otherwise.
    """
    scores = np.asarray(scores)
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
        raise InputError(f"scores of shape {scores.shape}: need as many pieces of music as pictures, in one order")
    if len(scores) < 2:
        raise InputError("one pair cannot be shuffled; give 2 pictures or more")
    if not np.isfinite(scores).all():
        raise InputError("scores hold numbers that are not finite; leave out what could not be scored")


def ranks(scores: np.ndarray) -> np.ndarray:
    """(music,) rank of the own picture, 1 best; ties share their mean rank.

    >>> ranks(np.array([[0.9, 0.1], [0.5, 0.4]])).tolist()
    [1.0, 1.0]
    """
    own = np.diagonal(scores)
    better, equal = (scores > own).sum(axis=0), (scores == own).sum(axis=0) - 1
    return 1.0 + better + equal / 2.0


def evaluate(scores: np.ndarray, *, shuffles: int = 9999, seed: int = 0) -> OrderedDict[str, Estimate]:
    """All scores of this file by name, of a square (pairs, pairs); NAME_p the p-values. Raises InputError as `validate` does."""
    scores = np.asarray(scores, np.float64)
    validate(scores)
    n = len(scores)
    rank = ranks(scores)
    out: OrderedDict[str, Estimate] = OrderedDict()
    for name, values in (("top1", rank < 1.5), ("top5", rank < 5.5), ("mean_rank", rank)):
        out[name] = bootstrap(np.asarray(values, float), seed=seed)
    own = np.diagonal(scores)
    others = (scores.sum(axis=1) - own) / (n - 1)
    out["right"], out["shuffled"] = bootstrap(own, seed=seed), bootstrap(others, seed=seed)
    out["advantage"] = bootstrap(own - others, seed=seed)
    tests = {
        "advantage": None,
        "top1": lambda m: (ranks(m) < 1.5).mean(),
        "top5": lambda m: (ranks(m) < 5.5).mean(),
        "mean_rank": lambda m: -ranks(m).mean(),
    }
    for name, statistic in tests.items():
        few = shuffles if statistic is None else min(shuffles, 1999)
        p = permutation_p_value(scores, statistic=statistic, shuffles=few, seed=seed)
        out[f"{name}_p"] = Estimate(p, np.nan, np.nan, n)
    return out
