"""Running the notes model without torch: onnxruntime, with the memory of keys and values held here, in numpy.

A model is two files: `NAME.onnx` (see `train/notes_graph.py` for its inputs; or `NAME.patch`) and `NAME.json`, its card. The memory is
allocated in pieces of 64 places and written in place; a step reads it where it lies.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.notes.casts import FILE as SECTIONS_FILE
from klangbild.notes.casts import Sections
from klangbild.notes.conditioning import MODES, prefix_ids
from klangbild.notes.patched import apply_patch
from klangbild.notes.places import Places

PATCH, BASE = ".patch", "notes-continuous_concat.onnx"
"""A model that is kept as a difference (`patched.py`), and what it differs from."""
PLACES = 64
"""The memory grows by so many ids at a time."""
_MASKED = np.float32(-1e9)


class NotesRuntime:
    """A `NoteModel` (see `language.py`). Rows move in step: all have read equally many ids.

    `card` is the model's card; `context` how many ids it was trained to look back on (more is allowed, and unlearnt);
    `sections` what sections of the music it learnt from are like, None where that is not known or the model is not told it.
    """

    def __init__(self, model: bytes | str, card: dict[str, Any], *, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # idle threads of a one-thread session would only burn another program's time
        options.add_session_config_entry("session.intra_op.allow_spinning", "0" if threads == 1 else "1")
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        sizes = card["sizes"]
        self.card = card
        self.context: int = card["context"]
        self.conditioning: str = card["mode"]
        self.sections: Sections | None = None
        self._condition_width = 3 + sizes.get("attributes", 0)
        self._vocabulary: int = sizes["vocabulary"]
        self._layers, self._heads = sizes["layers"], sizes["heads"]
        self._head_width = sizes["width"] // sizes["heads"]
        self._takes = {i.name for i in self._session.get_inputs()}
        self._outputs = [o.name for o in self._session.get_outputs()]
        self.start(1)

    @property
    def fill(self) -> int:
        """How many ids have been read since the start."""
        return self._fill

    @property
    def rows(self) -> int:
        """How many pieces move in step."""
        return self._rows

    def start(self, rows: int) -> None:
        """Forget everything; make room for `rows` rows."""
        self._rows, self._fill = rows, 0
        self._places = Places(rows)
        self._allocate(PLACES)

    def forget(self) -> None:
        """Forget everything read so far; the rows stay."""
        self.start(self._rows)

    def prefix(self, condition: np.ndarray) -> np.ndarray:
        """Condition (rows, 3) -> ids (rows, k) int64 to be read before each section's Bar; k = 0 in two of the modes."""
        return prefix_ids(self.conditioning, self._vocabulary, condition)

    def select_rows(self, index: np.ndarray) -> None:
        """Keep, repeat or reorder rows: row i becomes what row index[i] was."""
        index = np.asarray(index, dtype=np.int64)
        self._keys = [np.ascontiguousarray(k[index]) for k in self._keys]
        self._values = [np.ascontiguousarray(v[index]) for v in self._values]
        self._places.select_rows(index)
        self._rows = len(index)

    def step(self, ids: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """ids (rows, time) int64, condition (rows, time, 3) or (rows, 3) float32 -> logits (rows, vocabulary) after the last.

        A condition of 3 + `attributes.N_INPUTS` numbers tells a model that takes them what the section is like.

        Raises:
            ValueError: no ids, or another number of rows than `start` made room for.
        """
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        if ids.ndim != 2 or ids.shape[0] != self._rows or ids.shape[1] == 0:
            raise ValueError(f"ids of shape {ids.shape} do not fit {self._rows} rows of at least one id")
        time = ids.shape[1]
        condition = np.asarray(condition, dtype=np.float32)
        if condition.ndim == 2:
            condition = condition[:, None]
        if condition.shape[-1] < self._condition_width:
            hidden = np.zeros((*condition.shape[:-1], self._condition_width - condition.shape[-1]), np.float32)
            condition = np.concatenate([condition, hidden], axis=-1)
        feed = {
            "ids": ids,
            "condition": np.ascontiguousarray(np.broadcast_to(condition, (self._rows, time, self._condition_width))),
            "positions": np.arange(self._fill, self._fill + time),
            "memory_bias": self._bias,
        }
        if "bar" in self._takes:
            feed["bar"], feed["step"] = self._places.read(ids)
        for layer in range(self._layers):
            feed[f"keys_{layer}"], feed[f"values_{layer}"] = self._keys[layer], self._values[layer]
        results = self._session.run(self._outputs, {k: v for k, v in feed.items() if k in self._takes})
        self._remember(dict(zip(self._outputs, results, strict=True)), time)
        return results[self._outputs.index("logits")]

    def _allocate(self, places: int) -> None:
        shape = (self._rows, self._heads)
        self._keys = [np.zeros((*shape, self._head_width, places), np.float32) for _ in range(self._layers)]
        self._values = [np.zeros((*shape, places, self._head_width), np.float32) for _ in range(self._layers)]
        self._bias = np.full(places, _MASKED)

    def _remember(self, new: dict[str, np.ndarray], time: int) -> None:
        end = self._fill + time
        if end > len(self._bias):
            keys, values, fill = self._keys, self._values, self._fill
            self._allocate(-(-end // PLACES) * PLACES)
            for layer in range(self._layers):
                self._keys[layer][..., :fill] = keys[layer][..., :fill]
                self._values[layer][:, :, :fill] = values[layer][:, :, :fill]
        for layer in range(self._layers):
            self._keys[layer][..., self._fill : end] = new[f"new_keys_{layer}"]
            self._values[layer][:, :, self._fill : end] = new[f"new_values_{layer}"]
        self._bias[:end] = 0.0
        self._fill = end


def load(path: str | Path, *, threads: int = 1) -> NotesRuntime:
    """A model from its `.onnx` or `.patch` file, with the card `.json` beside it (and what a patch is of).

    Raises:
        NotAvailableError: one of the files is missing.
        InputError: the card is not one of a notes model, or does not belong to the file (another sha256); the table of
        sections beside it is damaged.
    """
    path = Path(path)
    card_path = path.with_suffix(".json")
    base_path = path.with_name(BASE) if path.suffix == PATCH else path
    for file in (path, card_path, base_path):
        if not file.is_file():
            raise NotAvailableError(f"{file}: is missing; see 'klangbild models list' for what is there")
    data = path.read_bytes()
    if path.suffix == PATCH:
        data = apply_patch(base_path.read_bytes(), data, name=str(path))
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        if card["mode"] not in MODES or not {"vocabulary", "layers", "heads", "width"} <= set(card["sizes"]):
            raise KeyError("mode or sizes")
        expected = card["sha256"]
        _ = int(card["context"])
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{card_path}: is not the card of a notes model ({error}); take another copy") from None
    if hashlib.sha256(data).hexdigest() != expected:
        raise InputError(f"{path}: is not the file its card describes (another sha256); take another copy of both")
    model = NotesRuntime(data, card, threads=threads)
    table = path.with_name(SECTIONS_FILE)
    if card["sizes"].get("attributes") and table.is_file():
        model.sections = Sections.load(table)
    return model
