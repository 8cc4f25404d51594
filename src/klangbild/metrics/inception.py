"""Inception score: are single sounds heard as one class each, and all classes heard together?

    exp( mean over items of KL( p(class | item) || mean p(class) ) )        in each of ten chunks

Conventions
    Logits are float arrays (items, classes). Higher is better, from 1 to the number of classes. Rows are shuffled by
    numpy's `RandomState(2020)` and cut at floor(i n / chunks): the shuffle is part of the published numbers. It knows no
    reference: a folder of unrelated sounds scores well.

Metrics
    inception_score     Salimans et al., "Improved Techniques for Training GANs", arXiv 1606.03498, section 4; chunks and
                        seed as in audioldm_eval.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.errors import InputError

SEED = 2020
N_CHUNKS = 10


def validate(logits: np.ndarray, n_chunks: int) -> None:
    """(items, classes) with at least one item a chunk, finite.

    Raises:
        InputError: otherwise.
    """
    if logits.ndim != 2 or len(logits) < n_chunks:
        raise InputError(f"logits of shape {logits.shape}; need (items, classes) with {n_chunks} items or more")
    if not np.isfinite(logits).all():
        raise InputError("logits hold numbers that are not finite; classify the sounds again")


def inception_score(logits: np.ndarray, *, n_chunks: int = N_CHUNKS) -> tuple[float, float]:
    """Logits (items, classes) -> mean and (population) standard deviation of the score over chunks, each 1..classes. Raises InputError as `validate`."""
    validate(logits, n_chunks)
    logits = logits.astype(np.float64)[np.random.RandomState(SEED).permutation(len(logits))]
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    scores = []
    for i in range(n_chunks):
        rows = slice(i * len(p) // n_chunks, (i + 1) * len(p) // n_chunks)
        marginal = p[rows].mean(axis=0, keepdims=True)
        heard = marginal > 0  # a class that nobody hears has the logarithm of 0, and counts nothing
        gain = log_p[rows] - np.log(np.where(heard, marginal, 1.0))
        scores.append(np.exp(np.where(heard, p[rows] * gain, 0.0).sum(axis=1).mean()))
    return float(np.mean(scores)), float(np.std(scores))


def evaluate(logits: np.ndarray) -> OrderedDict[str, float]:
    """All scores of this file by name, of logits (items, classes)."""
    mean, deviation = inception_score(logits)
    return OrderedDict(inception_score_mean=mean, inception_score_std=deviation)
