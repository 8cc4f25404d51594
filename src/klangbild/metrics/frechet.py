"""Frechet distance: how far apart two sets of sounds lie in an embedding space.

Two sets of vectors are described by a Gaussian each; the distance between these two Gaussians is

    |m1 - m2|^2 + tr(S1) + tr(S2) - 2 tr((S1 S2)^(1/2))

On VGGish vectors this is called FAD, on PANNs CNN14 vectors FD; the formula is the same.

Conventions
    Vectors are float arrays (items, dimensions). Covariances divide by n - 1. Lower is better; 0 for identical sets.
    Fewer items than dimensions are allowed (Art2Mus even compares single clips), but the value is then large by itself:
    compare only values from equal numbers of items, and report a floor (two halves of the reference set).

Metrics
    frechet_distance    Heusel et al., "GANs Trained by a Two Time-Scale Update Rule", arXiv 1706.08500, equation 6;
                        for audio: Kilgour et al., "Frechet Audio Distance", arXiv 1812.08466.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.errors import InputError


def validate(generated: np.ndarray, reference: np.ndarray) -> None:
    """Both sets are finite, (items, dimensions), equally wide, and hold at least two items.

    Raises:
        InputError: otherwise.
    """
    for name, vectors in (("generated", generated), ("reference", reference)):
        if vectors.ndim != 2 or len(vectors) < 2:
            raise InputError(
                f"{name} vectors have shape {vectors.shape}; need (items, dimensions) with 2 items or more"
            )
        if not np.isfinite(vectors).all():
            raise InputError(f"{name} vectors hold numbers that are not finite; embed the sounds again")
    if generated.shape[1] != reference.shape[1]:
        raise InputError(f"vectors of width {generated.shape[1]} and {reference.shape[1]}; use one embedding for both")


def frechet_distance(generated: np.ndarray, reference: np.ndarray) -> float:
    """The distance between two sets of vectors (items, dimensions), >= 0.

    The trace of the root is computed without a matrix root: with centred data A, B (rows divided by sqrt(n - 1)) and
    their triangular factors R (A = Q R), it is the sum of the singular values of R_A R_B^T. Exact and stable where the
    covariances are singular.

    >>> frechet_distance(np.array([[0.0], [2.0]]), np.array([[3.0], [5.0]]))
    9.0
    """
    generated, reference = np.asarray(generated, np.float64), np.asarray(reference, np.float64)
    validate(generated, reference)
    means = [vectors.mean(axis=0) for vectors in (generated, reference)]
    roots = [
        np.linalg.qr((vectors - mean) / np.sqrt(len(vectors) - 1), mode="r")
        for vectors, mean in zip((generated, reference), means, strict=True)
    ]
    overlap = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    spread = sum((root**2).sum() for root in roots)
    return max(0.0, float(((means[0] - means[1]) ** 2).sum() + spread - 2 * overlap))


def evaluate(generated: np.ndarray, reference: np.ndarray) -> OrderedDict[str, float]:
    """All scores of this file by name, of `generated` (items, dimensions) and `reference` (others, dimensions)."""
    return OrderedDict(frechet_distance=frechet_distance(generated, reference))
