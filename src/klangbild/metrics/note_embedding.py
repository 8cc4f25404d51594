"""An embedding of notes of our own, and the Frechet music distance on it.

An 8-bar section's sixty-one numbers (`measure.sections`), standardised and turned by the principal axes of real band music.

Conventions
    (sections, 32) float64. The axes ship (`judge-reference.npz`), fitted on training pieces, not on the held-out ones that
    are measured against. Lower is better; numbers compare with each other only, not with FMD on CLaMP 2.
    Fewer sections give larger distances: the extrapolated value takes that out.

Metrics
    frechet_music_distance    Frechet distance of the sections' embeddings. Retkowski et al., "Frechet Music Distance",
                              arXiv 2412.07948 (there on CLaMP 2).
    frechet_music_infinity    the same extrapolated to endless music, `frechet_infinity`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from klangbild.metrics.frechet import frechet_distance
from klangbild.metrics.frechet_infinity import frechet_infinity
from klangbild.metrics.sections import Sections

N_AXES = 32


@dataclass(frozen=True)
class NoteAxes:
    """mean, scale (61,), axes (61, 32)."""

    mean: np.ndarray
    scale: np.ndarray
    axes: np.ndarray

    def embed(self, sections: Sections) -> np.ndarray:
        """(sections, 32); numbers far outside real music are held at 8 standard deviations."""
        return np.clip((sections.features - self.mean) / self.scale, -8, 8) @ self.axes


def fit_note_axes(sections: Sections) -> NoteAxes:
    """Axes of real music: the 32 directions of most spread, spread 1 along the first and less along the later."""
    features = sections.features.astype(np.float64)
    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-3)
    values, vectors = np.linalg.eigh(np.cov(((features - mean) / scale).T))
    vectors = vectors[:, np.argsort(values)[::-1][:N_AXES]]
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    return NoteAxes(mean, scale, vectors / np.sqrt(values.max()))


def evaluate(generated: np.ndarray, reference: np.ndarray, *, seed: int = 0) -> OrderedDict[str, float]:
    """All scores of this file by name, of two sets of embeddings (sections, 32)."""
    return OrderedDict(
        frechet_music_distance=frechet_distance(generated, reference),
        frechet_music_infinity=frechet_infinity(generated, reference, seed=seed),
    )
