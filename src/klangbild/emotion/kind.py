"""Painting or photograph: a soft gate that looks at how a surface is made, not at what is on it.

    odds = coef @ clip((surface - mean) / scale, -4, 4) + bias        log odds of being a painting

`surface` is, with our encoder, the mean and deviation of every channel of its three finer levels over the picture (strokes,
grain, edges, flat color); without an encoder, the interpretable features. Telling paintings from photographs by color edges
and texture goes back to Cutzu, Hammoud and Leykin 2005, "Distinguishing paintings from photographs".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_CLIP = 4.0


@dataclass(frozen=True)
class KindGate:
    """A logistic regression on t numbers: mean, scale, coef (t,), bias ()."""

    mean: np.ndarray
    scale: np.ndarray
    coef: np.ndarray
    bias: np.ndarray

    def standardized(self, surface: np.ndarray) -> np.ndarray:
        """surface (n, t) -> (n, t) about 0, clipped."""
        return np.clip((surface - self.mean) / self.scale, -_CLIP, _CLIP)

    def painting(self, surface: np.ndarray) -> np.ndarray:
        """surface (n, t) -> (n,) how surely each is a painting, 0..1, where paintings and photographs are as frequent."""
        odds = self.standardized(surface) @ self.coef + float(self.bias)
        return 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
