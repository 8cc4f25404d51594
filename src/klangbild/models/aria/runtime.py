"""A converted midi-emotion or ARIA model without torch: onnxruntime, with the memories held here and written in place.

Each step reads one id per row; the keys and values of all layers lie in numpy buffers that the graph writes into, so that
nothing is copied. A prompt (or a window that is read anew) is read row by row in pieces, which bounds the memory it takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.models.aria.graph import memory_width
from klangbild.models.aria.sizes import MidiEmotionSizes
from klangbild.models.aria.vocabulary import EventsVocabulary
from klangbild.models.aria.window import WindowedModel
from klangbild.shipped import open_session

PLACES = 128
"""Memories start with so many positions and double when full."""
PROMPT_PIECE = 256
"""How many positions of a prompt are read at once."""


class OnnxEventsModel(WindowedModel):
    """See `contract.NoteModel`. `graph`: a file written by `midi_emotion_graph.write_graph`.

    Raises:
        NotAvailableError: the file is missing. InputError: onnxruntime cannot read it.
    """

    def __init__(
        self, graph: Path, sizes: MidiEmotionSizes, vocabulary: EventsVocabulary, *, threads: int = 1, **window: Any
    ) -> None:
        if not graph.is_file():
            raise NotAvailableError(f"{graph}: is missing; convert the model again with 'klangbild models add'")
        try:
            self._session = open_session(graph, threads=threads)
        except Exception as error:  # noqa: BLE001 - onnxruntime has a dozen exception types without a common one
            raise InputError(f"{graph}: onnxruntime cannot load it ({error}); convert the model again") from None
        self._inputs = {node.name for node in self._session.get_inputs()}
        super().__init__(sizes, vocabulary, **window)

    def start(self, rows: int) -> None:
        super().start(rows)
        self._allocate(PLACES)
        self._fill = 0

    def _read(self, ids: np.ndarray, condition: np.ndarray, *, fresh: bool) -> np.ndarray:
        if fresh:
            self._fill = 0
        prefix = 2 if self.conditioning == "continuous_token" and self._fill == 0 else 0
        self._make_room(ids.shape[1] + prefix)
        if ids.shape[1] + prefix == 1:
            return self._run(ids, condition, slice(None), fill=self._fill, advance=True)
        logits = [self._read_prompt(ids[row : row + 1], condition[row : row + 1], row) for row in range(self._rows)]
        self._fill += ids.shape[1] + prefix
        return np.concatenate(logits)

    def _read_prompt(self, ids: np.ndarray, condition: np.ndarray, row: int) -> np.ndarray:
        """One row's ids (1, time) in pieces; the logits (1, size) after the last."""
        fill = self._fill
        for begin in range(0, ids.shape[1], PROMPT_PIECE):
            piece = ids[:, begin : begin + PROMPT_PIECE]
            prefix = 2 if self.conditioning == "continuous_token" and fill == 0 else 0
            logits = self._run(piece, condition, slice(row, row + 1), fill=fill)
            fill += piece.shape[1] + prefix
        return logits

    def _run(
        self, ids: np.ndarray, condition: np.ndarray, rows: slice, *, fill: int, advance: bool = False
    ) -> np.ndarray:
        prefix = 2 if self.conditioning == "continuous_token" and fill == 0 else 0
        end = fill + ids.shape[1] + prefix
        feed = {
            "ids": np.ascontiguousarray(ids),
            "condition": np.ascontiguousarray(condition, dtype=np.float32),
            "prefix_rows": np.array(prefix, np.int64),
            "position": np.array(fill, np.int64),
            "last": np.full(len(ids), end - 1, np.int32),
            "total": np.array(end, np.int32),
        }
        binding = self._bound(rows)
        for name, value in feed.items():
            if name in self._inputs:
                binding.bind_cpu_input(name, value)
        self._session.run_with_iobinding(binding)
        if advance:
            self._fill = end
        # a copy: the next run writes into the same output buffer
        return binding.get_outputs()[0].numpy().copy()

    def _bound(self, rows: slice) -> Any:
        """A binding of the memories of these rows, each as input and output at once."""
        key = (rows.start, rows.stop)
        if key not in self._bindings:
            binding = self._session.io_binding()
            binding.bind_output("logits")
            for layer in range(self.sizes.n_layer):
                for what, memory in (("keys", self._memory[0, layer]), ("values", self._memory[1, layer])):
                    part = memory[rows]
                    place = ("cpu", 0, np.float32, list(part.shape), part.ctypes.data)
                    binding.bind_input(f"{what}_{layer}", *place)
                    binding.bind_output(f"new_{what}_{layer}", *place)
            self._bindings[key] = binding
        return self._bindings[key]

    def _allocate(self, places: int) -> None:
        s = self.sizes
        self._places = min(places, s.max_positions)
        shape = (2, s.n_layer, self._rows, s.n_head, self._places, memory_width(s))
        self._memory = np.zeros(shape, np.float32)
        self._bindings: dict[tuple, Any] = {}

    def _make_room(self, new: int) -> None:
        if self._fill + new > self._places:
            old, fill = self._memory, self._fill
            self._allocate(max(2 * self._places, fill + new))
            self._memory[..., :fill, :] = old[..., :fill, :]
