"""Batches of the notes model as tensors, the fixed held-out ones, and which of their ids open a piece."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from klangbild.models.bars.data.batches import Batch, NoteBatches
from klangbild.models.bars.data.chunks import IGNORE
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.language import BOS, POSITION_0, TEMPO_0
from klangbild.models.bars.section_attributes import GROUPS


@dataclass(frozen=True)
class Tensors:
    """A batch as tensors on the CPU, with where its openings are and how many targets it has."""

    ids: torch.Tensor
    targets: torch.Tensor
    place: torch.Tensor
    table: torch.Tensor
    opening: torch.Tensor
    n_targets: int

    @staticmethod
    def of(batch: Batch, *, pinned: bool = False) -> Tensors:
        """pinned: in memory that an accelerator copies from while the program goes on."""
        arrays = (batch.ids, batch.targets, batch.place, batch.table, opening_ids(batch))
        tensors = (torch.from_numpy(a).pin_memory() if pinned else torch.from_numpy(a) for a in arrays)
        return Tensors(*tensors, int((batch.targets != IGNORE).sum()))

    def rows(self, first: int, end: int) -> Tensors:
        """Some of its rows."""
        parts = [t[first:end] for t in (self.ids, self.targets, self.place)]
        return Tensors(*parts, self.table, self.opening[first:end], int((parts[1] != IGNORE).sum()))


def heldout_batch(data: NoteData, *, mode: str, context: int, described: bool, rows: int, told: bool) -> Tensors:
    """Fixed held-out chunks: one from each of `rows` evenly spread held-out pieces (of bands, where the music
    is mostly theirs), at the section a quarter into the piece, the emotion shown; told: the attributes too."""
    source = NoteBatches(data, mode=mode, context=context, heldout=True, described=described)
    pieces = source.source.pieces
    if (bands := data.bands()) is not None:
        band = pieces[data.piece_pool[pieces] == bands]
        pieces = band if len(band) else pieces
    pieces = pieces[np.unique(np.linspace(0, len(pieces) - 1, rows).astype(int))]
    every = np.ones(len(pieces), bool)
    return Tensors.of(
        source.gather(
            pieces,
            source.section_starts(pieces, 0.25),
            known=every,
            opened=~every,
            shown=np.full((len(pieces), len(GROUPS)), told),
        )
    )


def opening_ids(batch: Batch) -> np.ndarray:
    """float32 (rows, T): 1 where a chunk's opening is followed by its first Bar and that by a Tempo, else 0.

    They are two ids in a thousand, nothing before them gives them away, and mode and tempo are what the emotion decides
    most: without more weight they are learnt last.
    """
    chosen = np.zeros(batch.ids.shape, np.float32)
    opened = batch.ids[:, 0] <= BOS  # PAD or BOS
    chosen[opened, 0] = 1.0
    chosen[:, 1] = opened & (batch.targets[:, 1] >= TEMPO_0) & (batch.targets[:, 1] < POSITION_0)
    return chosen
