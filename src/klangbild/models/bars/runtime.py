"""Running the notes model without torch: onnxruntime, with the memory of keys and values held in numpy (`key_value_cache.py`).

A model is two files: `NAME.onnx` (see `models/bars/training/graph.py` for its inputs; or `NAME.patch`) and `NAME.json`, its card. A step
reads the memory where it lies.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.models.bars.bar_position import BarPositions
from klangbild.models.bars.conditioning import MODES, prefix_ids
from klangbild.models.bars.io_binding import IoBinding
from klangbild.models.bars.key_value_cache import KeyValueCache
from klangbild.models.bars.section_plan import FILE as SECTIONS_FILE
from klangbild.models.bars.section_plan import SectionTable, sections_file
from klangbild.models.bars.weight_patch import apply_patch
from klangbild.shipped import open_session

PATCH, BASE = ".patch", "notes-continuous_concat.onnx"
"""A model that is kept as a difference (`weight_patch.py`), and what it differs from."""


class NotesRuntime:
    """A `NoteModel` (see `contract.py`). Rows move in step: all have read equally many ids.

    `card` is the model's card; `context` how many ids it was trained to look back on (more is allowed, and unlearnt);
    `sections` what sections of the music it learnt from are like, None where that is not known or the model is not told it.
    """

    def __init__(self, model: bytes | str, card: dict[str, Any], *, threads: int = 1) -> None:
        self._session = open_session(model, threads=threads)
        sizes = card["sizes"]
        self.card = card
        self.context: int = card["context"]
        self.conditioning: str = card["mode"]
        self.sections: SectionTable | None = None
        self._condition_width = 3 + sizes.get("attributes", 0)
        self._vocabulary: int = sizes["vocabulary"]
        self._layers, self._heads = sizes["layers"], sizes["heads"]
        self._head_width = sizes["width"] // sizes["heads"]
        self._takes = {i.name for i in self._session.get_inputs()}
        self._outputs = [o.name for o in self._session.get_outputs()]
        self._rows = 0
        self._memory: KeyValueCache
        self.start(1)

    @property
    def fill(self) -> int:
        """How many ids have been read since the start."""
        return self._memory.fill

    @property
    def rows(self) -> int:
        """How many pieces move in step."""
        return self._rows

    def start(self, rows: int) -> None:
        """Forget everything; make room for `rows` rows."""
        self._places = BarPositions(rows)
        if rows == self._rows:
            self._memory.forget()
            return
        self._rows = rows
        self._memory = KeyValueCache(self._layers, rows, self._heads, self._head_width, most=self.context)
        self._bind()

    def forget(self) -> None:
        """Forget everything read so far; the rows stay."""
        self.start(self._rows)

    def prefix(self, condition: np.ndarray) -> np.ndarray:
        """Condition (rows, 3) -> ids (rows, k) int64 to be read before each section's Bar; k = 0 in two of the modes."""
        return prefix_ids(self.conditioning, self._vocabulary, condition)

    def select_rows(self, index: np.ndarray) -> None:
        """Keep, repeat or reorder rows: row i becomes what row index[i] was; index: (rows,)."""
        index = np.asarray(index, dtype=np.int64)
        self._memory.select_rows(index)
        self._places.select_rows(index)
        self._rows = len(index)
        self._bind()

    def step(self, ids: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """ids (rows, time) int64, condition (rows, time, 3) or (rows, 3) float32 -> logits (rows, vocabulary) after the last.

        A condition of 3 + `attributes.N_INPUTS` numbers tells a model that takes them what the section is like.

        Raises:
            ValueError: no ids, or another number of rows than `start` made room for.
        """
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        if ids.ndim != 2 or ids.shape[0] != self._rows or ids.shape[1] == 0:
            raise ValueError(f"ids of shape {ids.shape} do not fit {self._rows} rows of at least one id")
        feed = {"ids": ids, "condition": self._told(condition, ids.shape[1])}
        if "bar" in self._takes:
            feed["bar"], feed["step"] = self._places.read(ids)
        return self._one_id(**feed) if ids.shape[1] == 1 else self._several_ids(feed)

    def _told(self, condition: np.ndarray, time: int) -> np.ndarray:
        """Condition as given to `step` -> (rows, time, all that the model may be told) float32, what is not given hidden."""
        condition = np.asarray(condition, dtype=np.float32)
        if condition.ndim == 2:
            condition = condition[:, None]
        if condition.shape == (self._rows, time, self._condition_width):
            return condition
        told = np.zeros((self._rows, time, self._condition_width), np.float32)
        told[..., : condition.shape[-1]] = condition
        return told

    def _several_ids(self, feed: dict[str, np.ndarray]) -> np.ndarray:
        memory, time = self._memory, feed["ids"].shape[1]
        feed["condition"] = np.ascontiguousarray(feed["condition"])
        feed["positions"] = np.arange(memory.fill, memory.fill + time)
        feed["memory_bias"] = memory.bias
        for layer in range(self._layers):
            feed[f"keys_{layer}"], feed[f"values_{layer}"] = memory.keys[layer], memory.values[layer]
        results = self._session.run(self._outputs, {k: v for k, v in feed.items() if k in self._takes})
        new = dict(zip(self._outputs, results, strict=True))
        memory.write(*(np.stack([new[f"new_{what}_{i}"] for i in range(self._layers)]) for what in ("keys", "values")))
        return new["logits"]

    def _bind(self) -> None:
        self._one_id = IoBinding(
            self._session, self._memory, vocabulary=self._vocabulary, condition_width=self._condition_width
        )


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
    table = path.with_name(sections_file(path.stem))
    table = table if table.is_file() else path.with_name(SECTIONS_FILE)
    if card["sizes"].get("attributes") and table.is_file():
        model.sections = SectionTable.load(table)
    return model
