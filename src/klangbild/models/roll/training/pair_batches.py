"""Batches for Art2Mus's recipe on our sound model: a picture's embedding, its clip somewhere between noise and music, and words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from klangbild.models.roll.caption_words import Vocabulary, caption_mask
from klangbild.models.roll.data.batches import crops
from klangbild.models.roll.data.captions import ClipLatents, caption
from klangbild.models.roll.data.pairs import SoundPairs


@dataclass(frozen=True)
class PairBatch:
    """noisy, wanted (B, T, 64): x_t and data - noise; time (B,); embedding (B, 384); clip's full words and the words that are
    said beside the picture (B, 12) with their masks; said (B,) 0 or 1."""

    noisy: Tensor
    wanted: Tensor
    time: Tensor
    embedding: Tensor
    full: Tensor
    full_mask: Tensor
    beside: Tensor
    beside_mask: Tensor
    said: Tensor


class PairBatches:
    """Draws pairs of one side of the split; a batch is a function of the seed and the step."""

    def __init__(
        self,
        pairs: SoundPairs,
        data: ClipLatents,
        vocabulary: Vocabulary,
        *,
        heldout: bool,
        said_share: float,
        seed: int,
    ) -> None:
        self.pairs, self.data, self.vocabulary = pairs, data, vocabulary
        self.rows = np.flatnonzero(pairs.heldout == heldout)
        self.said_share, self.seed = said_share, seed
        self.embedding = pairs.views.embedding.astype(np.float32)

    def batch(self, step: int, rows: int, length: int) -> PairBatch:
        rng = np.random.default_rng([self.seed, step])
        return self.of(self.rows[rng.integers(0, len(self.rows), rows)], rng, length)

    def of(self, rows: np.ndarray, rng: np.random.Generator, length: int) -> PairBatch:
        """Pairs by number (B,), a crop of `length` latents of each."""
        clips = self.pairs.clip[rows]
        latents = crops(self.data, clips, length, rng)
        noise = rng.standard_normal(latents.shape, dtype=np.float32)
        time_ = (1 / (1 + np.exp(-rng.standard_normal(len(rows))))).astype(np.float32)
        t = time_[:, None, None]
        said = rng.random(len(rows)) < self.said_share
        full = [self.vocabulary.read(caption(self.data, int(c), rng, full=True)).ids for c in clips]
        some = [self.vocabulary.read(caption(self.data, int(c), rng)).ids for c in clips]
        beside = np.where(said[:, None], np.array(some), 0)
        masks = [np.array([caption_mask(ids) for ids in table], np.float32) for table in (full, beside.tolist())]
        arrays = ((1 - t) * noise + t * latents, latents - noise, time_, self.embedding[rows], np.array(full), masks[0],
                  beside, masks[1], said.astype(np.float32))  # fmt: skip
        return PairBatch(*(torch.from_numpy(np.ascontiguousarray(a)) for a in arrays))
