"""What a midi-emotion model looks back on, kept so that each step costs one token: window, emotion prefix, re-reading.

midi-emotion recomputes its whole window at every step. Here each id is read once, into a key/value cache; the logits are the
same. Two things void a cache, because both change what *every* position sees: the window sliding (each id moves one absolute
position down, and the first is lost), and another emotion. Then the window is read anew:

* `window="exact"`: once full, the window slides by one id a step, as midi-emotion's does, and is re-read at every step. The
  logits are those of its loop for any length; beyond the window it is as slow as that loop.
* `window="fast"` (the default): once full, the oldest quarter of the window is dropped at a time. At every step the logits
  are exactly those of a full recompute over the ids that are kept (between 3/4 of the window and all of it). Up to the
  window's length both are the same.

An emotion that moves less than `emotion_step` from the one in the cache is held, so that a path does not force a re-read at
each step; `emotion_step=0` follows it exactly, as midi-emotion's `varying_condition` would.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from klangbild.errors import InputError, UsageError
from klangbild.models.aria.emotion_tokens import emotion_ids
from klangbild.models.aria.sizes import MidiEmotionSizes
from klangbild.models.aria.vocabulary import EventsVocabulary

DEFAULT_INPUT_LENGTH = 1024
"""midi-emotion's `max_input_len` where nothing else is said (its command line says 1216)."""
EMOTION_STEP = 0.05


class WindowedModel:
    """A `NoteModel` over some way to compute (`_read`). Conditions are rows [valence, arousal(, known)].

    These models know no "unknown" emotion: rows with known = 0 are asked for the neutral 0, 0.

    Raises:
        UsageError: the window has no room for an id, or is longer than the network's table of positions.
    """

    def __init__(
        self,
        sizes: MidiEmotionSizes,
        vocabulary: EventsVocabulary,
        *,
        max_input_length: int = DEFAULT_INPUT_LENGTH,
        window: Literal["fast", "exact"] = "fast",
        emotion_step: float = EMOTION_STEP,
        bin_edges: dict[str, np.ndarray] | None = None,
    ) -> None:
        shortest = sizes.n_prefix + 1
        if not shortest <= max_input_length <= sizes.max_positions:
            raise UsageError(
                f"max_input_length {max_input_length} is out of range; give {shortest} to {sizes.max_positions}"
            )
        if window not in ("fast", "exact"):
            raise UsageError(f"window '{window}' is not known; choose fast or exact")
        self.sizes, self.vocabulary = sizes, vocabulary
        self.conditioning = sizes.conditioning
        self.context = max_input_length - sizes.n_prefix
        self.window, self.emotion_step, self.bin_edges = window, emotion_step, bin_edges
        self.n_read = 0
        """Positions computed since `start`, for measuring what a re-read costs."""
        self.start(1)

    def start(self, rows: int) -> None:
        """Forget everything; make room for `rows` rows."""
        self._rows = rows
        self._ids = np.empty((rows, 0), np.int64)  # what the window holds
        self._emotion: np.ndarray | None = None
        self.n_read = 0

    @property
    def fill(self) -> int:
        """How many ids the window holds."""
        return self._ids.shape[1]

    def prefix(self, condition: np.ndarray) -> np.ndarray:
        """Condition (rows, 3) -> no ids (rows, 0): what announces the emotion is put in front of the window here."""
        return np.empty((len(np.atleast_2d(condition)), 0), np.int64)

    def step(self, ids: np.ndarray, condition: np.ndarray) -> np.ndarray:
        """ids (rows, time) int64 that follow what was read -> logits (rows, size) float32 after the last of them.

        Raises:
            InputError: the network answers with NaN (damaged weights, or a NaN emotion).
        """
        ids = np.asarray(ids, dtype=np.int64).reshape(self._rows, -1)
        emotion = self._plain_emotion(condition)
        self._ids = np.concatenate([self._ids, ids], axis=1)
        held = self._emotion
        fresh = held is None or bool((np.abs(emotion - held) > self.emotion_step).any())
        if self._ids.shape[1] > self.context:
            keep = self.context if self.window == "exact" else self.context - self.context // 4
            self._ids = self._ids[:, -keep:]
            fresh = True
        if fresh or held is None:
            held = self._emotion = emotion
            ids = self._ids
            if self.conditioning == "discrete_token":
                ids = np.concatenate([emotion_ids(self.vocabulary, emotion, self.bin_edges), ids], axis=1)
        logits = self._read(ids, held, fresh=fresh)
        self.n_read += ids.shape[1]
        if not np.isfinite(logits).all():
            raise InputError("the notes model answers with NaN: its weights are damaged; add the model again")
        return logits

    def _plain_emotion(self, condition: np.ndarray) -> np.ndarray:
        rows = np.asarray(condition, dtype=np.float32)
        rows = (rows[:, -1] if rows.ndim == 3 else rows).reshape(self._rows, -1)  # the last id's is asked for
        emotion = rows[:, :2].copy()
        if rows.shape[1] > 2:
            emotion[rows[:, 2] < 0.5] = 0.0
        return np.zeros_like(emotion) if self.conditioning == "none" else emotion

    def _read(self, ids: np.ndarray, condition: np.ndarray, *, fresh: bool) -> np.ndarray:
        """Compute: ids (rows, time), condition (rows, 2) -> logits (rows, size). fresh: forget the cache before."""
        raise NotImplementedError
