"""How a wanted emotion enters the notes model: the four modes, and the prefix ids that the token modes insert.

| mode | the emotion is | prefix ids a section |
|---|---|---|
| `continuous_concat` | 64 numbers beside every token's embedding, from [valence, arousal, known] | 0 |
| `continuous_token` | two extra vectors at the start of every section, from the same three numbers | 2 |
| `discrete_token` | two extra ids at the start of every section: one of 5 valence bins, one of 5 arousal bins, or "unknown" | 2 |
| `none` | not there | 0 |

Prefix ids lie above the language's own (`language size + 0, 1, ...`) and belong to the model: a language never sees them.
A condition row is [valence, arousal, known]; known = 0 means "any emotion" and is written with valence = arousal = 0.

Reference: Sulun, Davies, Viana (2022), "Symbolic music generation conditioned on continuous-valued emotions", IEEE
Access 10, which compares these ways of conditioning.
"""

from __future__ import annotations

import numpy as np

MODES: tuple[str, ...] = ("continuous_concat", "continuous_token", "discrete_token", "none")
BINS = 5
_EXTRA_IDS = {"continuous_concat": 0, "continuous_token": 2, "discrete_token": 2 * (BINS + 1), "none": 0}


def prefix_length(mode: str) -> int:
    """How many prefix ids stand before each section in this mode."""
    return 2 if mode in ("continuous_token", "discrete_token") else 0


def extra_ids(mode: str) -> int:
    """How many ids above the language's own the model's embedding has in this mode. Raises ValueError: unknown mode."""
    if mode not in _EXTRA_IDS:
        raise ValueError(f"'{mode}' is not a conditioning mode; choose one of {', '.join(MODES)}")
    return _EXTRA_IDS[mode]


def bins(values: np.ndarray) -> np.ndarray:
    """Numbers (rows,) in [-1, 1] -> bin 0..4 (rows,) int64, equal widths of 0.4."""
    return np.clip(np.floor((np.asarray(values, dtype=np.float64) + 1.0) / 2.0 * BINS), 0, BINS - 1).astype(np.int64)


def prefix_ids(mode: str, language_size: int, condition: np.ndarray) -> np.ndarray:
    """Condition rows (rows, 3) -> the ids (rows, k) int64 that announce a section in this mode; k may be 0."""
    condition = np.asarray(condition, dtype=np.float64).reshape(-1, 3)
    rows = len(condition)
    if mode == "continuous_token":
        return np.tile(np.array([[language_size, language_size + 1]], dtype=np.int64), (rows, 1))
    if mode == "discrete_token":
        known = condition[:, 2] > 0.5
        valence = np.where(known, bins(condition[:, 0]), BINS)
        arousal = np.where(known, bins(condition[:, 1]), BINS)
        return np.stack([language_size + valence, language_size + BINS + 1 + arousal], axis=1)
    return np.zeros((rows, 0), dtype=np.int64)
