"""What a notes model has read: keys and values of all its layers, lying where the graph reads them.

Memory is taken in pieces of 64 places and written in place. All layers lie in one block, so that one copy writes what a step
adds to all of them.
"""

from __future__ import annotations

import numpy as np

PLACES = 64
"""The memory grows by so many ids at a time."""
_MASKED = np.float32(-1e9)


class Memory:
    """keys (layers, rows, heads, head width, places), values (layers, rows, heads, places, head width) and bias (places,), all
    float32. The bias is 0 where a place is filled, -1e9 where it is not. Growing makes new arrays."""

    def __init__(self, layers: int, rows: int, heads: int, head_width: int) -> None:
        self.fill = 0
        self._allocate((layers, rows, heads, head_width), PLACES)

    def write(self, keys: np.ndarray, values: np.ndarray) -> None:
        """Add what was read: keys (layers, rows, heads, head width, time), values (layers, rows, heads, time, head width)."""
        end = self.fill + keys.shape[-1]
        if end > len(self.bias):
            self._grow(-(-end // PLACES) * PLACES)
        self.keys[..., self.fill : end] = keys
        self.values[..., self.fill : end, :] = values
        self.bias[self.fill : end] = 0.0
        self.fill = end

    def select_rows(self, index: np.ndarray) -> None:
        """Keep, repeat or reorder rows: row i becomes what row index[i] was."""
        self.keys, self.values = np.take(self.keys, index, axis=1), np.take(self.values, index, axis=1)

    def _allocate(self, shape: tuple[int, ...], places: int) -> None:
        self.keys = np.zeros((*shape, places), np.float32)
        self.values = np.zeros((*shape[:-1], places, shape[-1]), np.float32)
        self.bias = np.full(places, _MASKED)

    def _grow(self, places: int) -> None:
        keys, values, fill = self.keys, self.values, self.fill
        self._allocate(keys.shape[:-1], places)
        self.keys[..., :fill] = keys[..., :fill]
        self.values[..., :fill, :] = values[..., :fill, :]
        self.bias[:fill] = 0.0
