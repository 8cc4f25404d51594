"""Cosine similarity of paired vectors; on ImageBind's vectors, Art2Mus's "ImageBind score" (IBSc).

Conventions
    Two float arrays (items, dimensions) of one embedding space; row i of each belongs together. From -1 to 1, higher is
    better. ImageBind's cosine of a picture and a piece of music is small by itself (0.15 to 0.47 for *matched* pairs,
    Art2Mus table 1): always report it beside shuffled pairs.

Metrics
    cosine_rows            one value a pair.
    shuffled_cosine_rows   the control: each row against the rows of other items.
    Source: Art2Mus, arXiv 2410.04906, section 4: IBSc between artwork and generated, and real track and generated sound.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.errors import InputError


def validate(a: np.ndarray, b: np.ndarray) -> None:
    """Equal shapes (items, dimensions), finite.

    Raises:
        InputError: otherwise.
    """
    if a.ndim != 2 or a.shape != b.shape or not len(a):
        raise InputError(f"vectors of shapes {a.shape} and {b.shape}; need the same (items, dimensions)")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError("vectors hold numbers that are not finite; embed the files again")


def cosine_rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine of each row of `a` with the same row of `b`, float64 (items,); 0 where a row is zero."""
    validate(a, b)
    a, b = a.astype(np.float64), b.astype(np.float64)
    length = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.divide((a * b).sum(axis=1), length, out=np.zeros(len(a)), where=length > 0)


def shuffled_cosine_rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean cosine of each row of `a` with all *other* rows of `b`, float64 (items,): what chance pairs score.

    Raises:
        InputError: also for a single item, which has no others.
    """
    validate(a, b)
    if len(a) < 2:
        raise InputError("one item has nothing to be shuffled with; give 2 or more")
    a, b = a.astype(np.float64), b.astype(np.float64)  # float16 overflows in the squares of a norm
    unit_b = b / np.maximum(np.linalg.norm(b, axis=1, keepdims=True), 1e-12)
    own = cosine_rows(a, b)
    sums = (a / np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-12)) @ unit_b.sum(axis=0)
    return (sums - own) / (len(a) - 1)


def evaluate(a: np.ndarray, b: np.ndarray) -> OrderedDict[str, float]:
    """All scores of this file by name, of paired vectors (pairs, dimensions)."""
    scores = OrderedDict(cosine=float(cosine_rows(a, b).mean()))
    if len(a) > 1:
        scores["cosine_shuffled"] = float(shuffled_cosine_rows(a, b).mean())
    return scores
