"""Self-similarity and structure: do bars come back, and where a listener expects them?

The self-similarity matrix compares every bar with every other. Real music is most like itself at distances of 2, 4 and 8
bars (phrases) and comes back to earlier material; shuffled bars come back just as often, but anywhere.

Conventions
    A bar is its set of (family, step, pitch). Similarity is the Jaccard index, 0..1; two empty bars are alike (1).
    NaN where a piece is too short for a score (bars needed are named).

Metrics
    neighbour_similarity    mean similarity of neighbouring bars (2 bars).
    phrase_pulse            mean similarity at distances 4 and 8 minus that at 3, 5 and 7: > 0 where phrases of four bars
                            return in time; about 0 for shuffled bars and for a single repeated bar (12 bars).
    return_similarity       mean over bars from the ninth on of the best match 4 bars or more before (12 bars).
    Source: Foote (1999), "Visualizing music and audio using self-similarity"; the scores are ours, in place of the
    structureness indicator of Wu and Yang (arXiv 2008.01307), which needs sound and a fitness scape plot.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.bar_grid import BarGrid

MIN_BARS = 12


def self_similarity(grid: BarGrid) -> np.ndarray:
    """(bars, bars) Jaccard index of the bars' contents."""
    index: dict[tuple[int, int, int], int] = {}
    rows = [[index.setdefault(note, len(index)) for note in bar] for bar in grid.contents]
    table = np.zeros((len(rows), max(len(index), 1)), np.float32)
    for row, columns in enumerate(rows):
        table[row, columns] = 1
    both = table @ table.T
    size = table.sum(axis=1)
    either = size[:, None] + size[None] - both
    return np.divide(both, either, out=np.ones_like(both), where=either > 0).astype(np.float64)


def similarity_at(matrix: np.ndarray, distance: int) -> float:
    """Mean similarity of bars that lie `distance` apart, of all in `matrix` (bars, bars); NaN: none do."""
    return float(np.diagonal(matrix, distance).mean()) if len(matrix) > distance else float("nan")


def phrase_pulse(matrix: np.ndarray) -> float:
    """How much more alike bars 4 and 8 apart are than bars 3, 5 and 7 apart, of `matrix` (bars, bars): -1..1, or NaN below 12 bars."""
    if len(matrix) < MIN_BARS:
        return float("nan")
    on, off = ([similarity_at(matrix, d) for d in distances] for distances in ((4, 8), (3, 5, 7)))
    return float(np.mean(on) - np.mean(off))


def return_similarity(matrix: np.ndarray) -> float:
    """How alike a late bar is to the likest that came four or more before, mean over `matrix` (bars, bars): 0..1, or NaN below 12 bars."""
    if len(matrix) < MIN_BARS:
        return float("nan")
    return float(np.mean([matrix[i, : i - 3].max() for i in range(8, len(matrix))]))


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    matrix = self_similarity(grid)
    return OrderedDict(
        neighbour_similarity=similarity_at(matrix, 1),
        phrase_pulse=phrase_pulse(matrix),
        return_similarity=return_similarity(matrix),
    )
