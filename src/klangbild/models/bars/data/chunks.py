"""What a chunk of the notes model is: consecutive sections of a piece cut to the context, with emotion beside every id.

One chunk at a time, in plain steps: measuring reads music so. Training gathers whole batches of the same chunks
(`note_batches`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from klangbild.errors import InputError
from klangbild.models.bars.conditioning import prefix_ids, prefix_length
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import BOS, EOS, PAD

IGNORE = -100


@dataclass(frozen=True)
class Chunk:
    """ids (T,) int64, condition (T, 3) float32, targets (T,) int64 with `IGNORE` where nothing is to be predicted."""

    ids: np.ndarray
    condition: np.ndarray
    targets: np.ndarray


class NoteChunks:
    """Chunks of the pieces on one side of the split of a `NoteData`.

    pieces: their numbers; piece_lengths: ids of each of them; first_section, end_section: of every piece of the data.

    Raises:
        InputError: this side of the split holds no music.
    """

    def __init__(self, data: NoteData, *, mode: str, context: int, heldout: bool = False) -> None:
        self.data, self.mode, self.context = data, mode, context
        self.vocabulary = int(data.about["vocabulary"])
        n_pieces = len(data.piece_name)
        lengths = np.bincount(data.section_piece, weights=np.diff(data.section_start), minlength=n_pieces)
        self.pieces = np.flatnonzero((lengths > 0) & (data.piece_heldout == heldout))
        if not len(self.pieces):
            side = "held out of training" if heldout else "to train on"
            raise InputError(
                f"the prepared notes hold no piece {side}; prepare a folder of two different pieces or more"
            )
        self.piece_lengths = lengths[self.pieces]
        self.first_section = np.searchsorted(data.section_piece, np.arange(n_pieces), side="left")
        self.end_section = np.searchsorted(data.section_piece, np.arange(n_pieces), side="right")

    def piece_ids(self, piece: int) -> slice:
        """Where a piece's ids stand in `data.ids`."""
        starts = self.data.section_start
        return slice(int(starts[self.first_section[piece]]), int(starts[self.end_section[piece]]))

    def chunk(
        self, piece: int, start: int, *, known: bool = True, opened: bool = False, length: int | None = None
    ) -> Chunk:
        """The chunk of `piece` that starts at id `start` of `data.ids` (a Bar).

        known=False hides the emotion; opened=True puts PAD before a chunk that does not start its piece.
        """
        data, length = self.data, length or self.context
        whole = self.piece_ids(piece)
        section = int(np.searchsorted(data.section_start, start, side="right")) - 1
        ids: list[np.ndarray] = []
        conditions: list[np.ndarray] = []
        is_prefix: list[np.ndarray] = []
        total, at = 0, start

        def add(new: np.ndarray, condition: np.ndarray, prefix: bool) -> None:
            nonlocal total
            ids.append(np.asarray(new, dtype=np.int64))
            conditions.append(np.broadcast_to(condition, (len(new), 3)))
            is_prefix.append(np.full(len(new), prefix))
            total += len(new)

        if start == whole.start or opened:
            opening = BOS if start == whole.start else PAD
            add(np.array([opening]), self._condition(section, known), False)
        while total <= length and at < whole.stop:
            condition = self._condition(section, known)
            if prefix_length(self.mode):
                add(prefix_ids(self.mode, self.vocabulary, condition)[0], condition, True)
            end = int(data.section_start[section + 1])
            add(data.ids[at : min(end, at + length + 1)], condition, False)
            at, section = end, section + 1
        if at >= whole.stop and total <= length:
            add(np.array([EOS]), conditions[-1][-1], False)
        return _cut(np.concatenate(ids), np.concatenate(conditions), np.concatenate(is_prefix), length)

    def _condition(self, section: int, known: bool) -> np.ndarray:
        data = self.data
        if not known or data.label_source[section] == 0:
            return np.zeros(3, np.float32)
        return np.array([data.valence[section], data.arousal[section], 1.0], np.float32)


def _cut(ids: np.ndarray, condition: np.ndarray, is_prefix: np.ndarray, length: int) -> Chunk:
    """The first `length` ids and what follows each; padded when the piece ended before. The target of an id before a
    prefix is the language id after it; an id before a second prefix id has none."""
    following = np.full(len(ids), IGNORE, np.int64)
    following[:-1] = ids[1:]
    if is_prefix.any():
        language = np.flatnonzero(~is_prefix)
        after = np.searchsorted(language, np.arange(len(ids)), side="right")
        following = np.where(after < len(language), ids[language[np.minimum(after, len(language) - 1)]], IGNORE)
        inside = is_prefix & np.r_[is_prefix[1:], False]
        following[inside] = IGNORE
    ids, condition, following = ids[:length], condition[:length], following[:length]
    missing = length - len(ids)
    return Chunk(
        np.pad(ids, (0, missing), constant_values=PAD),
        np.pad(condition, ((0, missing), (0, 0))).astype(np.float32),
        np.pad(following, (0, missing), constant_values=IGNORE),
    )
