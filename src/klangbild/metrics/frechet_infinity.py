"""Frechet distance without the error of small samples: extrapolated to endlessly many items.

The distance of two finite samples is too large, by about a constant over the number of items, even when both come from one
source. Distances at growing sizes lie on a line over 1/n, and where the line meets 1/n = 0 is the distance without the error.

Conventions
    As in `measure.frechet`. Only the generated set is cut down; the reference keeps its size. The value may be slightly
    below 0 for two samples of one source; it is not clipped, so that its mean stays right. Where there are too few items
    for a line (fewer than 20), the answer is NaN, not a guess.

Metrics
    frechet_infinity    Chong and Forsyth, "Effectively Unbiased FID", arXiv 1911.07023; for music Gui et al., "Adapting
                        Frechet Audio Distance for Generative Music Evaluation", arXiv 2311.01616 (FAD-infinity).
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.frechet import frechet_distance, validate

N_SIZES, REPEATS, FEWEST = 12, 4, 20


def extrapolate(sizes: np.ndarray, distances: np.ndarray) -> float:
    """Where the least-squares line of distances (n,) at sizes (n,) over 1/n meets 1/n = 0.

    >>> round(extrapolate(np.array([10, 20, 40]), 3.0 + 50 / np.array([10, 20, 40])), 9)
    3.0
    """
    _slope, intercept = np.polyfit(1.0 / np.asarray(sizes, np.float64), np.asarray(distances, np.float64), 1)
    return float(intercept)


def frechet_infinity(generated: np.ndarray, reference: np.ndarray, *, seed: int = 0) -> float:
    """The extrapolated distance of two sets of vectors (items, dimensions), or NaN below 20 items.

    Raises:
        InputError: as `frechet.validate`.
    """
    generated, reference = np.asarray(generated, np.float64), np.asarray(reference, np.float64)
    validate(generated, reference)
    n = len(generated)
    if n < FEWEST:
        return float("nan")
    rng = np.random.default_rng(seed)
    sizes = np.unique(np.linspace(max(n // 4, FEWEST // 2), n, N_SIZES).astype(int))
    sizes = np.repeat(sizes, REPEATS)
    distances = [frechet_distance(generated[rng.choice(n, size, replace=False)], reference) for size in sizes]
    return extrapolate(sizes, np.array(distances))


def evaluate(generated: np.ndarray, reference: np.ndarray, *, seed: int = 0) -> OrderedDict[str, float]:
    """All scores of this file by name, of `generated` (items, dimensions) and `reference` (others, dimensions)."""
    return OrderedDict(
        frechet_distance=frechet_distance(generated, reference),
        frechet_infinity=frechet_infinity(generated, reference, seed=seed),
    )
