"""Valence and arousal as the five-step emotion tokens of `discrete_token`: equal bins, and the quantile bins of training.

midi-emotion trains with quantile bins of its labels but generates with equal ones, so that "<V2>" meant the happiest fifth of
the songs in training and means 0.6..1 afterwards. Both are here; a model should be asked in the bins that it learnt.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from klangbild.models.aria.vocabulary import EMOTION_LABELS, EventsVocabulary

_DECIMALS = 6  # conditions travel as float32, whose 0.6 lies above the edge at 0.6


def equal_edges(n: int = len(EMOTION_LABELS)) -> np.ndarray:
    """The edges (n + 1,) of equal bins over [-1, 1], each end moved out by 1e-12 as midi-emotion does."""
    return np.linspace(-1.0 - 1e-12, 1.0 + 1e-12, n + 1)


def quantile_edges(values: np.ndarray, n: int = len(EMOTION_LABELS)) -> np.ndarray:
    """The edges (n + 1,) that split labelled values (songs,), NaN where unlabelled, into equally many; the last is
    moved out by 1e-6."""
    values = np.asarray(values, dtype=np.float64)
    edges = np.quantile(values[~np.isnan(values)], np.linspace(0.0, 1.0, n + 1))
    edges[-1] += 1e-6
    return edges


def bin_of(value: float, edges: np.ndarray | None = None) -> int:
    """The bin 0..n-1 of a value between edges (n + 1,); values beyond the edges fall into the nearest bin.

    >>> [bin_of(v) for v in (-1.0, -0.6, -0.2, 0.2, 0.6, 1.0)]
    [0, 1, 2, 2, 3, 4]
    """
    edges = equal_edges() if edges is None else edges
    index = int(np.searchsorted(edges, round(float(value), _DECIMALS), side="right")) - 1
    return min(max(index, 0), len(edges) - 2)


def bin_of_strict(value: float) -> int:
    """As midi-emotion: equal bins without a guard, so that values below -1 become the *highest* bin.

    Raises:
        IndexError: the value is above 1 + 1e-12.
    """
    index = int(np.searchsorted(equal_edges(), value, side="right")) - 1
    return range(len(EMOTION_LABELS))[index]


def label(axis: Literal["V", "A"], index: int) -> str:
    """The token's name: ("V", 0) -> "<V-2>"."""
    return f"<{axis}{EMOTION_LABELS[index]}>"


def emotion_ids(
    vocabulary: EventsVocabulary, condition: np.ndarray, edges: dict[str, np.ndarray] | None = None
) -> np.ndarray:
    """Rows [valence, arousal, ...] (rows, >= 2) -> the ids (rows, 2) of their [V, A] tokens, int64.

    `edges`: {"valence": (6,), "arousal": (6,)} of a model that asks for other bins than equal ones. A label that the
    checkpoint's vocabulary lacks is replaced by the nearest that it has.
    """
    rows = []
    for valence, arousal in np.asarray(condition, dtype=np.float64)[:, :2]:
        row = []
        for axis, name, value in (("V", "valence", valence), ("A", "arousal", arousal)):
            wanted = bin_of(value, edges[name] if edges else None)
            known = [i for i in range(len(EMOTION_LABELS)) if label(axis, i) in vocabulary.ids]
            row.append(vocabulary.ids[label(axis, min(known, key=lambda i: abs(i - wanted)))])
        rows.append(row)
    return np.array(rows, dtype=np.int64)
