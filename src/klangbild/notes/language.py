"""The two contracts that let one sampler serve every note language and every note model.

A `NoteLanguage` turns a `Piece` into token ids and back, and knows its own grammar: which ids may come next. A `NoteModel`
turns ids and an emotion into the odds of the next id, remembering what it has read (key/value cache).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.notes.piece import Piece
from klangbild.settings import Settings

if TYPE_CHECKING:
    from klangbild.notes.engine import Composition


class NoteLanguage(Protocol):
    """`state` is the language's own grammar state: cheap to copy with `copy()`, advanced one id at a time."""

    name: str
    size: int
    """Number of ids; ids are 0..size-1."""
    bos: int
    """The id that every piece starts with."""
    is_rhythm: np.ndarray
    """bool (size,): ids that place music in time; the others are what sounds."""

    def encode(self, piece: Piece) -> np.ndarray:
        """Piece -> int ids (n,)."""

    def decode(self, ids: np.ndarray) -> Piece:
        """Ids (n,) -> piece; tolerant of a cut-off end."""

    def start(self, rules: Any) -> Any:
        """The grammar state before the first id, for these rules (`rules.Rules`)."""

    def advance(self, state: Any, token: int) -> None:
        """Move `state` past `token`."""

    def allowed(self, state: Any, rules: Any) -> np.ndarray:
        """bool (size,): ids that may come next. Never all False before the end."""


class NoteModel(Protocol):
    """Rows are independent pieces (candidates, and their unconditional twins for guidance) that move in step."""

    context: int
    """How many ids it can look back on."""
    fill: int
    """How many it has read since `start`."""
    conditioning: str
    """continuous_concat | continuous_token | discrete_token | none."""

    def start(self, rows: int) -> None:
        """Forget everything; make room for `rows` rows."""

    def step(self, ids: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """ids (rows, time) int64, condition (rows, time, 3) float32 = [valence, arousal, known 0|1] -> logits (rows, size).

        The logits are those after the last of the given ids. `time` > 1 reads a whole prompt at once.
        """

    def prefix(self, condition: np.ndarray) -> np.ndarray:
        """Condition (rows, 3) -> the model's own ids (rows, k) that announce it at the start of a section; k may be 0."""


@dataclass(frozen=True)
class LoadedModel:
    """A model with its language and the way that both compose, so that no caller has to know which language it is.

    facts: what a result's record says of the model: {"name", "sha256", "licence"}. way: `engine.compose_notes`, or its like
    for another language.
    """

    model: NoteModel
    language: NoteLanguage
    facts: dict[str, Any]
    way: Callable[..., Composition]

    def compose(
        self,
        asked: Emotion,
        settings: Settings,
        seed: int,
        *,
        on_progress: Callable[[float, float], bool | None] | None = None,
        on_bar: Callable[[Piece], None] | None = None,
    ) -> Composition:
        """The best of `settings.candidates` pieces for the asked emotion; see `engine.compose_notes`."""
        return self.way(
            asked, settings, seed, model=self.model, language=self.language, on_progress=on_progress, on_bar=on_bar
        )
