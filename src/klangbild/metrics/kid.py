"""Kernel distance: the Frechet distance's sibling that is unbiased for small sets.

The squared maximum mean discrepancy between two sets of vectors under a cubic kernel, averaged over random subsets.

Conventions
    Vectors are float arrays (items, dimensions). Lower is better; it may be slightly negative for equal sets.
    Subsets are drawn by one numpy `RandomState(2020)`, first generated, then reference, without replacement: the drawing
    is part of the published numbers.

Metrics
    kernel_distance     Binkowski et al., "Demystifying MMD GANs", arXiv 1801.01401, section 4; unbiased within the
                        sets, mean over all pairs across them. Subsets and seed as in MeLFusion's release.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.frechet import validate

SEED = 2020


def kernel_distance(
    generated: np.ndarray, reference: np.ndarray, *, n_subsets: int = 100, subset_size: int = 1000
) -> tuple[float, float]:
    """Vectors (items, dimensions) of two sets -> mean and (population) standard deviation of the distance over subsets of at most `subset_size` items."""
    generated, reference = np.asarray(generated, np.float64), np.asarray(reference, np.float64)
    validate(generated, reference)
    size = min(subset_size, len(generated), len(reference))
    draw = np.random.RandomState(SEED)
    values = []
    for _ in range(n_subsets):
        ours = generated[draw.choice(len(generated), size, replace=False)]
        theirs = reference[draw.choice(len(reference), size, replace=False)]
        values.append(_squared_discrepancy(ours, theirs))
    return float(np.mean(values)), float(np.std(values))


def evaluate(generated: np.ndarray, reference: np.ndarray) -> OrderedDict[str, float]:
    """All scores of this file by name, of `generated` (items, dimensions) and `reference` (others, dimensions)."""
    mean, deviation = kernel_distance(generated, reference)
    return OrderedDict(kernel_distance_mean=mean, kernel_distance_std=deviation)


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _squared_discrepancy(a: np.ndarray, b: np.ndarray) -> float:
    m = len(a)
    within_a, within_b, across = _kernel(a, a), _kernel(b, b), _kernel(a, b)
    within = (within_a.sum() - np.trace(within_a) + within_b.sum() - np.trace(within_b)) / (m * (m - 1))
    return float(within - 2 * across.sum() / m**2)
