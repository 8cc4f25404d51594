"""Ridge regression in two kinds at once: a head for photographs and one for paintings that lend each other some strength.

The kernel between two pictures is the linear one, times 1 within a kind and times `borrow` across kinds: the multi-task
kernel of Evgeniou, Micchelli and Pontil 2005 (equal to Daume's feature augmentation). Strength and borrowing are chosen
for each head and axis by an inner grouped cross-validation, so the outer folds stay clean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.emotion.training.data.pictures import folds_of

STRENGTHS = np.geomspace(0.003, 30.0, 13)
BORROWS = (0.25,)
"""One for all: where several were offered, the inner folds chose among noise (painting valence .46 instead of .50)."""


@dataclass(frozen=True)
class RidgeHeads:
    """coef (2 kinds, 2 axes, d), center (2, 2); strength and borrow (2, 2) as chosen; stretch (2, 2) already in coef.

    spread (2, 2): the deviation that predictions for unseen pictures have, stretched.
    """

    coef: np.ndarray
    center: np.ndarray
    strength: np.ndarray
    borrow: np.ndarray
    stretch: np.ndarray
    spread: np.ndarray

    def predict(self, z: np.ndarray, kind: np.ndarray) -> np.ndarray:
        """z (n, d), kind (n,) of 0 (photo) and 1 (painting) -> (n, 2)."""
        return self.center[kind] + np.einsum("nad,nd->na", self.coef[kind], z)


def fit_ridge_heads(
    z: np.ndarray, y: np.ndarray, kind: np.ndarray, groups: np.ndarray, rng: np.random.Generator, *, folds: int = 5
) -> RidgeHeads:
    """Fit on z (n, d), y (n, 2), kind (n,) of 0 and 1, fold groups (n,); output stretched towards the raters' spread.

    Ridge shrinks: its predictions spread less than ratings do. Each deviation from the mean is multiplied by
    sqrt(sd of ratings / sd of held-out predictions), which raises the concordance and leaves the mean error alone.
    """
    fold = folds_of(groups, folds=folds, rng=rng)
    held = np.full((len(BORROWS), len(STRENGTHS), *y.shape), np.nan)
    for number in range(folds):
        test = fold == number
        solver = _Solver(z[~test], y[~test], kind[~test])
        for b, borrow in enumerate(BORROWS):
            held[b, :, test] = solver.predictions(borrow, z[test], kind[test]).swapaxes(0, 1)
    error = (held - y) ** 2
    strength, borrow, stretch, spread = (np.zeros((2, 2)) for _ in range(4))
    coef, center = np.zeros((2, 2, z.shape[1])), np.zeros((2, 2))
    solver = _Solver(z, y, kind)
    for k in np.unique(kind):
        inside = kind == k
        for axis in range(2):
            means = error[:, :, inside, axis].mean(axis=2)
            b, s = np.unravel_index(means.argmin(), means.shape)
            strength[k, axis], borrow[k, axis] = STRENGTHS[s], BORROWS[b]
            unstretched = max(float(held[b, s, inside, axis].std()), 1e-6)
            stretch[k, axis] = np.clip(np.sqrt(y[inside, axis].std() / unstretched), 1.0, 2.0)
            spread[k, axis] = stretch[k, axis] * unstretched
            center[k, axis] = y[inside, axis].mean()
            coef[k, axis] = solver.coefficients(BORROWS[b], int(s), int(k), axis) * stretch[k, axis]
    # the center is the prediction for z = 0; the mean rating belongs to the mean picture of the kind
    for k in np.unique(kind):
        center[k] -= np.einsum("ad,d->a", coef[k], z[kind == k].mean(axis=0))
    return RidgeHeads(coef, center, strength, borrow, stretch, spread)


class _Solver:
    """All strengths of one training set from one eigendecomposition per borrowing."""

    def __init__(self, z: np.ndarray, y: np.ndarray, kind: np.ndarray) -> None:
        self.kind = kind
        self.z_mean = np.array(
            [z[kind == k].mean(axis=0) if (kind == k).any() else np.zeros(z.shape[1]) for k in (0, 1)]
        )
        self.y_mean = np.array([y[kind == k].mean(axis=0) if (kind == k).any() else np.zeros(2) for k in (0, 1)])
        self.z, self.y = z - self.z_mean[kind], y - self.y_mean[kind]
        self.gram = self.z @ self.z.T
        self.scale = float(np.trace(self.gram)) / len(z)
        self.decomposed: dict[float, tuple[np.ndarray, np.ndarray]] = {}

    def _duals(self, borrow: float) -> np.ndarray:
        """(strengths, n, 2)."""
        if borrow not in self.decomposed:
            values, vectors = np.linalg.eigh(self.gram * self._tie(borrow, self.kind))
            self.decomposed[borrow] = np.maximum(values, 0), vectors
        values, vectors = self.decomposed[borrow]
        turned = vectors.T @ self.y
        damp = 1 / (values[None] + STRENGTHS[:, None] * self.scale * 10)
        return np.einsum("nm,sm,ma->sna", vectors, damp, turned)

    def _tie(self, borrow: float, kinds: np.ndarray) -> np.ndarray:
        return np.where(kinds[:, None] == self.kind[None], 1.0, borrow)

    def predictions(self, borrow: float, z: np.ndarray, kind: np.ndarray) -> np.ndarray:
        """(strengths, n, 2) for new pictures."""
        across = ((z - self.z_mean[kind]) @ self.z.T) * self._tie(borrow, kind)
        return self.y_mean[kind][None] + np.einsum("nm,sma->sna", across, self._duals(borrow))

    def coefficients(self, borrow: float, strength: int, kind: int, axis: int) -> np.ndarray:
        """(d,)"""
        dual = self._duals(borrow)[strength, :, axis] * np.where(self.kind == kind, 1.0, borrow)
        return self.z.T @ dual


def fit_gate(
    z: np.ndarray, painting: np.ndarray, *, weight: np.ndarray, strength: float = 100.0, steps: int = 15
) -> tuple[np.ndarray, float]:
    """Logistic regression by Newton's method, z (n, d), painting and weight (n,) -> (coef (d,), bias) of the log odds."""
    x = np.concatenate([z, np.ones((len(z), 1))], axis=1)
    penalty = np.full(x.shape[1], strength)
    penalty[-1] = 1e-6
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ w, -30, 30)))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(penalty)
        w -= np.linalg.solve(hessian, x.T @ (weight * (p - painting)) + penalty * w)
    return w[:-1], float(w[-1])
