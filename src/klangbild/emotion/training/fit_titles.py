"""What titles teach: two directions of an encoder's inputs that go with the mood of paintings' titles, lent to the emotion heads.

There are 145 rated paintings and some 1,900 whose titles say a mood. A ridge from what is seen of the latter to their moods knows no
rating, and yet it orders the rated paintings as well as their own ridge does (r .46 valence, .42 to .48 arousal); the heads get its two
numbers as two more inputs. Both are linear, so the heads that ship are as large as before. Of an artist whose pictures are measured
no title is learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.emotion.training.data.titled_paintings import artist_name

STRENGTH = 10.0
"""Of the ridge, over the mean of the kernel's diagonal: the best of 1, 3, 10 and 30 for valence of held-out titles."""
SHARE = 0.23
"""Of the kernel, beside all other inputs' 1; from .08 to .46 nothing changes by more than .01 (grouped folds)."""


@dataclass(frozen=True)
class Titled:
    """Paintings with a mood in their titles: inputs (m, d), mood (m, 2) valence and arousal, artist (m,)."""

    inputs: np.ndarray
    mood: np.ndarray
    artist: np.ndarray

    def without(self, groups: np.ndarray) -> Titled:
        """The same but those of the artists of fold groups (n,), such as "painting:Vinci da, Leonardo"."""
        left_out = {
            artist_name(group.partition(":")[2]) for group in np.unique(groups) if group.startswith("painting:")
        }
        kept = ~np.isin(self.artist, list(left_out))
        return Titled(self.inputs[kept], self.mood[kept], self.artist[kept])


def fit_titles(titled: Titled, weight: np.ndarray) -> np.ndarray:
    """Directions (d, 2) of standardized inputs, each weighted by weight (d,), that go with valence and arousal of titles.

    These paintings are smaller files than the rated ones, so they are standardized among themselves.
    """
    inputs = titled.inputs.astype(np.float32)
    spread = np.maximum(inputs.std(axis=0), 1e-6)
    z = np.clip((inputs - inputs.mean(axis=0)) / spread, -3, 3) * weight.astype(np.float32)
    z -= z.mean(axis=0)
    gram = (z @ z.T).astype(np.float64)
    damp = STRENGTH * np.trace(gram) / len(gram)
    dual = np.linalg.solve(gram + damp * np.eye(len(gram)), titled.mood - titled.mood.mean(axis=0))
    return z.T.astype(np.float64) @ dual


def lent(z: np.ndarray, kind: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """The directions scaled (d, 2), so that their two numbers have `SHARE` of what z (n, d) has in the kernel; kind (n,)."""
    said = z @ directions
    scale = np.mean([said[kind == k].std(axis=0) for k in np.unique(kind)], axis=0)
    whole = np.mean([z[kind == k].var(axis=0).sum() for k in np.unique(kind)])
    return directions / np.maximum(scale, 1e-9) * np.sqrt(SHARE * whole / 2)
