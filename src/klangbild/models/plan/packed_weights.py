"""Weights in small files: matrices as int8 with a float32 scale a column, the rest float32. numpy only."""

from __future__ import annotations

import numpy as np


def packed(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays as they are kept: matrices of 4,096 numbers and more as int8 with a scale a column, the rest float32."""
    kept: dict[str, np.ndarray] = {}
    for name, value in arrays.items():
        if value.ndim < 2 or value.size < 4096:
            kept[name] = value.astype(np.float32)
            continue
        scale = np.maximum(np.abs(value).max(axis=-2, keepdims=True), 1e-12).astype(np.float32) / 127
        kept[name] = np.rint(value / scale).astype(np.int8)
        kept[f"{name}_scale"] = scale
    return kept


def unpacked(kept: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inverse of `packed`, float32."""
    return {
        name: value.astype(np.float32) * kept.get(f"{name}_scale", np.float32(1))
        for name, value in kept.items()
        if not name.endswith("_scale")
    }
