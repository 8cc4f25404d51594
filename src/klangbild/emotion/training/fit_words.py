"""The encoder's words for content, fitted: a linear reader of the network's own top for each word, and where to begin to say it.

Ridge regression on labels that are known (`data.content_labels`), then a logistic of its held-out values, so that what is given is
a probability; a word is said from the lowest probability at which, of the held-out pictures that have as much, 96 % show it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.emotion.training.data.pictures import folds_of

PRECISION = 0.96
"""Asked for on the folds that choose, so that .9 is left on other pictures."""
LEAST_SAID = 0.6
_STRENGTH = 0.3


@dataclass(frozen=True)
class WordReaders:
    """weight (1280, w) and bias (w,): from the top's mean to log odds; from_ (w,): said at this probability or above, 1.01 never."""

    weight: np.ndarray
    bias: np.ndarray
    from_: np.ndarray

    def probabilities(self, top: np.ndarray) -> np.ndarray:
        """top (n, 1280) -> (n, w)."""
        return 1 / (1 + np.exp(-np.clip(top @ self.weight + self.bias, -30, 30)))


def fit_words(top: np.ndarray, labels: np.ndarray, group: np.ndarray, *, folds: int = 5, seed: int = 0) -> WordReaders:
    """top (n, 1280), labels (n, w) of 1, 0, -1, group (n,): pictures of one group are on one side of each fold."""
    fold = folds_of(group, folds=folds, rng=np.random.default_rng(seed))
    held = np.zeros(labels.shape)
    for number in range(folds):
        test = fold == number
        weight, bias = _ridge(top[~test], labels[~test])
        held[test] = top[test] @ weight + bias
    weight, bias = _ridge(top, labels)
    gain, offset, start = (np.zeros(labels.shape[1]) for _ in range(3))
    for index in range(labels.shape[1]):
        known = labels[:, index] >= 0
        gain[index], offset[index] = _logistic(held[known, index], labels[known, index])
        start[index] = _from(
            1 / (1 + np.exp(-(held[known, index] * gain[index] + offset[index]))), labels[known, index]
        )
    return WordReaders(weight * gain, bias * gain + offset, start)


def _from(probability: np.ndarray, true: np.ndarray) -> float:
    """The lowest probability from which on enough of the pictures show it; 1.01 where there are too few to know."""
    order = np.argsort(-probability)
    right = np.cumsum(true[order] == 1)
    said = np.arange(1, len(order) + 1)
    # two more that were wrong: a few lucky ones are no proof
    good = np.flatnonzero((right / (said + 0.2) >= PRECISION) & (right >= 3) & (probability[order] >= LEAST_SAID))
    return float(probability[order][good[-1]]) if len(good) else 1.01


def _ridge(top: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All words at once where the same pictures are known, else word by word -> weight (1280, w), bias (w,)."""
    mean, scale = top.mean(axis=0), top.std(axis=0) + 1e-3
    z = np.clip((top - mean) / scale, -4, 8)
    gram = z.T @ z + np.eye(z.shape[1]) * _STRENGTH * len(z)
    targets = np.where(labels == 1, 1.0, 0.0)
    known = labels >= 0
    rates = np.where(known, targets, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    # what is not known is set to the rate of what is: it pulls nowhere
    targets = np.where(labels < 0, rates, targets) - rates
    solved = np.linalg.solve(gram, z.T @ targets)
    return solved / scale[:, None], rates - (mean / scale) @ solved


def _logistic(value: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Platt's: log odds = gain * value + offset, the rarer side counted up to a tenth of the whole."""
    x = np.stack([value, np.ones(len(value))], axis=1)
    w = np.array([4.0, -2.0])
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + np.diag([1e-3, 1e-6])
        w -= np.clip(np.linalg.solve(hessian, x.T @ (p - (true == 1)) + np.array([1e-3, 0]) * w), -5, 5)
    return float(w[0]), float(w[1])
