"""A split that keeps the shares of the styles: Art2Mus's 80 / 20, and 100 items of the 20 for validation."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from klangbild.errors import UsageError

TEST_SHARE = 0.2
N_VALIDATION = 100


def stratified_split(
    strata: Sequence[str],
    *,
    rng: np.random.Generator,
    test_share: float = TEST_SHARE,
    n_validation: int = N_VALIDATION,
) -> list[str]:
    """ "train", "test" or "validation" for each item.

    Every stratum gives its share to the test side (by largest remainders, so that the total is exact), and the test side
    gives `n_validation` of its items, again by stratum. Validation is part of the test side: do not report it twice.

    Args:
        strata: the style (or any class) of each item.
        rng: decides who.
        test_share: of test and validation together, 0..1, exclusive.
        n_validation: how many; all of the test side where it is smaller.

    Raises:
        UsageError: a share out of range.
    """
    if not 0 < test_share < 1:
        raise UsageError(f"test share {test_share} out of range; give more than 0 and less than 1")
    split = np.full(len(strata), "train", dtype=object)
    by_stratum: dict[str, list[int]] = defaultdict(list)
    for index, stratum in enumerate(strata):
        by_stratum[stratum].append(index)
    chosen = _draw(by_stratum, round(test_share * len(strata)), rng)
    split[chosen] = "test"
    held = defaultdict(list)
    for index in chosen:
        held[strata[index]].append(index)
    split[_draw(held, min(n_validation, len(chosen)), rng)] = "validation"
    return split.tolist()


def _draw(by_stratum: dict[str, list[int]], n: int, rng: np.random.Generator) -> list[int]:
    """`n` items, each stratum in proportion, in order of index."""
    total = sum(map(len, by_stratum.values()))
    if not total or not n:
        return []
    names = sorted(by_stratum)
    exact = {name: n * len(by_stratum[name]) / total for name in names}
    quota = Counter({name: int(exact[name]) for name in names})
    for name in sorted(names, key=lambda s: (quota[s] - exact[s], s))[: n - sum(quota.values())]:
        quota[name] += 1
    chosen = [int(i) for name in names for i in rng.permutation(by_stratum[name])[: quota[name]]]
    return sorted(chosen)
