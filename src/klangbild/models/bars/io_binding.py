"""One step of one id, with everything it reads and writes bound once.

A piece is some two thousand steps of one id. Handed over anew, the thirty arrays of each cost a tenth of a step; bound, onnxruntime
reads and writes them where they lie, and only what changes is written into them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from klangbild.models.bars.key_value_cache import KeyValueCache


class IoBinding:
    """Reads one id a row on top of `memory` and adds it there. Equal, number for number, to a run with the arrays handed over."""

    def __init__(self, session: Any, memory: KeyValueCache, *, vocabulary: int, condition_width: int) -> None:
        self._session, self._memory = session, memory
        self._binding = session.io_binding()
        self._takes = {i.name for i in session.get_inputs()}
        layers, rows, heads, width, _ = memory.keys.shape
        self._inputs = {
            "ids": np.zeros((rows, 1), np.int64),
            "condition": np.zeros((rows, 1, condition_width), np.float32),
            "positions": np.zeros(1, np.int64),
            "bar": np.zeros((rows, 1), np.int64),
            "step": np.zeros((rows, 1), np.int64),
        }
        self._bound: dict[str, np.ndarray] = {}
        for name, array in self._inputs.items():
            self._bind(name, array)
        self._logits = np.zeros((rows, vocabulary), np.float32)
        self._new_keys = np.zeros((layers, rows, heads, width, 1), np.float32)
        self._new_values = np.zeros((layers, rows, heads, 1, width), np.float32)
        self._bind_output("logits", self._logits)
        for layer in range(layers):
            self._bind_output(f"new_keys_{layer}", self._new_keys[layer])
            self._bind_output(f"new_values_{layer}", self._new_values[layer])

    def __call__(self, **inputs: np.ndarray) -> np.ndarray:
        """ids, bar, step (rows, 1), condition (rows, 1, width) -> logits (rows, vocabulary) of what follows."""
        memory = self._memory
        for name, array in inputs.items():
            self._inputs[name][...] = array
        self._inputs["positions"][0] = memory.fill
        if self._bound.get("memory_bias") is not memory.bias:  # it has grown, and lies elsewhere
            self._bind("memory_bias", memory.bias)
            for layer in range(len(memory.keys)):
                self._bind(f"keys_{layer}", memory.keys[layer])
                self._bind(f"values_{layer}", memory.values[layer])
        self._session.run_with_iobinding(self._binding)
        memory.write(self._new_keys, self._new_values)
        return self._logits.copy()

    def _bind(self, name: str, array: np.ndarray) -> None:
        if name in self._takes:
            self._binding.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        self._bound[name] = array  # onnxruntime knows only the address: the array must live as long

    def _bind_output(self, name: str, array: np.ndarray) -> None:
        self._binding.bind_output(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
