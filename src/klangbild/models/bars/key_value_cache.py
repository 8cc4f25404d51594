"""What a notes model has read: keys and values of all its layers, lying where the graph reads them.

Memory is taken in pieces of 64 places and written in place. All layers lie in one block, so that one copy writes what a step
adds to all of them.
"""

from __future__ import annotations

import math

import numpy as np

PLACES = 64
"""The memory grows by so many ids at a time."""
_MASKED = np.float32(-1e9)


class KeyValueCache:
    """keys (layers, rows, heads, head width, places), values (layers, rows, heads, places, head width) and bias (places,), all
    float32. The bias is 0 where a place is filled, -1e9 where it is not: what lies there then counts for exactly nothing, as
    long as it is finite. Growing and forgetting make other arrays, out of two blocks with room for `most` places (more is
    allowed) that are kept: fresh memory costs more than writing it, and what is never touched costs nothing.
    """

    def __init__(self, layers: int, rows: int, heads: int, head_width: int, *, most: int) -> None:
        self._shape = (layers, rows, heads, head_width)
        size = math.prod(self._shape) * most
        self._block, self._spare = np.zeros((2, size), np.float32), np.zeros((2, size), np.float32)
        self.forget()

    def forget(self) -> None:
        """Empty it."""
        self.fill = 0
        self._allocate(PLACES)

    def write(self, keys: np.ndarray, values: np.ndarray) -> None:
        """Add what was read: keys (layers, rows, heads, head_width, time), values (layers, rows, heads, time,
        head_width)."""
        end = self.fill + keys.shape[-1]
        if end > len(self.bias):
            self._grow(-(-end // PLACES) * PLACES)
        self.keys[..., self.fill : end] = keys
        self.values[..., self.fill : end, :] = values
        self.bias[self.fill : end] = 0.0
        self.fill = end

    def select_rows(self, index: np.ndarray) -> None:
        """Keep, repeat or reorder rows: row i becomes what row index[i] was; index: (rows,)."""
        keys, values, bias = self.keys, self.values, self.bias
        self._shape = (self._shape[0], len(index), *self._shape[2:])
        self._allocate(len(bias))
        self.keys[...], self.values[...], self.bias[...] = keys[:, index], values[:, index], bias

    def _grow(self, places: int) -> None:
        keys, values, fill = self.keys, self.values, self.fill
        self._allocate(places)
        self.keys[..., :fill] = keys[..., :fill]
        self.values[..., :fill, :] = values[..., :fill, :]
        self.bias[:fill] = 0.0

    def _allocate(self, places: int) -> None:
        """New arrays of so many places, none of them filled; those in use until now stay what they are until the next time."""
        size = math.prod(self._shape) * places
        self._block, self._spare = self._spare, self._block
        if self._block.shape[1] < size:
            self._block = np.zeros((2, 2 * size), np.float32)
        keys, values = self._block[:, :size]
        self.keys = keys.reshape(*self._shape, places)
        self.values = values.reshape(*self._shape[:-1], places, self._shape[-1])
        self.bias = np.full(places, _MASKED)
