"""The reasons' surrogate: the listed signs alone, each held to its direction, imitate what the heads say.

How well they do is part of the model: `reason_share` is R squared on pictures that the surrogate did not see, and the
sentences speak of causes only where it is large enough (`emotion.reasons`).
"""

from __future__ import annotations

import numpy as np

from klangbild.emotion.reasons import SIGNS, sign_inputs, sign_table
from klangbild.picture.features import FEATURE_NAMES


def fit_reasons(values: np.ndarray, inputs: np.ndarray, kind: np.ndarray, rng: np.random.Generator) -> dict:
    """values (n, 2 kinds, 2 axes): what the heads say of inputs (n, d), kinds (n,) -> the reason_* arrays of `EmotionHeads`.

    Where there are no pictures of a kind, all of them stand for it.
    """
    signs = sign_inputs(inputs[:, : len(FEATURE_NAMES)])
    found = {name: np.zeros((2, 2, len(SIGNS))) for name in ("reason_coef",)}
    found |= {"reason_share": np.zeros((2, 2))}
    found |= {name: np.zeros((2, len(SIGNS))) for name in ("reason_mean", "reason_scale")}
    for k in (0, 1):
        rows = np.flatnonzero(kind == k) if (kind == k).any() else np.arange(len(kind))
        found["reason_mean"][k] = signs[rows].mean(axis=0)
        found["reason_scale"][k] = np.maximum(signs[rows].std(axis=0), 1e-6)
        target = values[rows, k] - values[rows, k].mean(axis=0)
        x = np.clip((signs[rows] - found["reason_mean"][k]) / found["reason_scale"][k], -3, 3)
        held = rng.permutation(len(rows)) < len(rows) // 3
        for axis in (0, 1):
            direction = sign_table(k, axis)
            used = np.flatnonzero(direction)
            signed = x[:, used] * direction[used]
            rest = target[held, axis] - signed[held] @ _positive_ridge(signed[~held], target[~held, axis])
            found["reason_share"][k, axis] = 1 - (rest**2).sum() / max((target[held, axis] ** 2).sum(), 1e-9)
            found["reason_coef"][k, axis, used] = _positive_ridge(signed, target[:, axis]) * direction[used]
    return found


def _positive_ridge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Ridge whose coefficients are not negative: x (n, d), y (n,) -> (d,)."""
    from scipy.optimize import nnls

    damp = np.sqrt(0.05 * len(x)) * np.eye(x.shape[1])
    return nnls(np.concatenate([x, damp]), np.concatenate([y, np.zeros(x.shape[1])]))[0]
