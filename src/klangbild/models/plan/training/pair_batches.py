"""Batches of pairs: a picture, a plan that fits it somewhere between noise and itself, and words beside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from klangbild.models.plan.caption_words import MAX_WORDS, Vocabulary, caption_mask
from klangbild.models.plan.data.batches import DEQUANTIZED, TIME_MIDDLE, TIME_SPREAD
from klangbild.models.plan.data.captions import caption
from klangbild.models.plan.data.pairs import PicturePairs
from klangbild.models.plan.data.prepared import PlanClips


@dataclass(frozen=True)
class PairBatch:
    """noisy, wanted (B, T, C): x_t and data - noise; time (B,); pictures (B,) rows of the pairs' views; axes (B, 8): what each picture asks for;
    words (B, 12) said beside it and their mask."""

    noisy: Tensor
    wanted: Tensor
    time: Tensor
    pictures: np.ndarray
    axes: Tensor
    words: Tensor
    mask: Tensor


class PairBatches:
    """Draws pairs of one side of the split; a batch is a function of the seed and the step. said_share: how often words are said;
    feelings: how often those name a feeling."""

    def __init__(
        self,
        pairs: PicturePairs,
        plans: PlanClips,
        vocabulary: Vocabulary,
        *,
        heldout: bool,
        said_share: float,
        feelings: float,
        seed: int,
    ) -> None:
        self.pairs, self.plans, self.vocabulary = pairs, plans, vocabulary
        self.rows = np.flatnonzero(pairs.heldout == heldout)
        self.said_share, self.feelings, self.seed = said_share, feelings, seed

    def batch(self, step: int, rows: int) -> PairBatch:
        rng = np.random.default_rng([self.seed, step])
        return self.of(self.rows[rng.integers(0, len(self.rows), rows)], rng)

    def of(self, rows: np.ndarray, rng: np.random.Generator) -> PairBatch:
        """Pairs by number (B,)."""
        clips, pictures = self.pairs.clip[rows], self.pairs.picture[rows]
        plans = self.plans.rows(clips)
        plans = plans + rng.normal(0.0, DEQUANTIZED, plans.shape).astype(np.float32)
        noise = rng.standard_normal(plans.shape, dtype=np.float32)
        odds = TIME_MIDDLE + TIME_SPREAD * rng.standard_normal(len(rows))
        time = (1 / (1 + np.exp(-odds))).astype(np.float32)
        words = np.zeros((len(rows), MAX_WORDS), np.int64)
        for row, clip in enumerate(clips.tolist()):
            if rng.random() < self.said_share:
                words[row] = self.vocabulary.read(caption(self.plans, clip, rng, feelings=self.feelings)).ids
        mask = np.array([caption_mask(ids) for ids in words.tolist()], np.float32)
        t = time[:, None, None]
        noisy = ((1 - t) * noise + t * plans).astype(np.float32)
        given = [torch.from_numpy(np.ascontiguousarray(a)) for a in (noisy, plans - noise, time)]
        told = [torch.from_numpy(a) for a in (self.pairs.axes[pictures], words, mask)]
        return PairBatch(*given, pictures, *told)
