"""Training batches of the sound model, each a function of seed and step alone: a stopped run goes on to the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from klangbild.models.roll.caption_words import MAX_WORDS, Vocabulary, caption_mask
from klangbild.models.roll.data.captions import ClipLatents, caption
from klangbild.models.roll.latent import from_int8

TIME_MIDDLE, TIME_SPREAD = -0.7, 1.2
"""Times are logistic-normal, nearer to noise than to data: what kind of music it will be is decided in the first tenth, and
only there can words tell what the noisy clip does not show (Esser et al. 2024 shift times the same way)."""


@dataclass(frozen=True)
class SoundBatch:
    """latents (B, T, C) float32; words (B, 12) int64; mask (B, 12) float32; noise (B, T, C); time (B,) in 0..1."""

    latents: np.ndarray
    words: np.ndarray
    mask: np.ndarray
    noise: np.ndarray
    time: np.ndarray
    clips: np.ndarray
    """(B,) int64: which clips."""

    @property
    def noisy(self) -> np.ndarray:
        """(1 - t) noise + t data: (B, T, C) float32."""
        t = self.time[:, None, None]
        return (1 - t) * self.noise + t * self.latents


class SoundBatches:
    """Draws from the training clips: every epoch a new permutation, a crop of half a clip or the whole, a new caption."""

    def __init__(
        self,
        data: ClipLatents,
        vocabulary: Vocabulary,
        *,
        rows: int = 16,
        crop_share: float = 0.5,
        words_dropped: float = 0.12,
        seed: int = 1,
    ) -> None:
        self.data, self.vocabulary = data, vocabulary
        self.rows, self.crop_share, self.words_dropped, self.seed = rows, crop_share, words_dropped, seed
        self.clips = np.flatnonzero(~data.clip_heldout)

    def batch(self, step: int) -> SoundBatch:
        """A step's batch; with crops it has as many rows as without, of half the length."""
        rng = np.random.default_rng([self.seed, 1, step])
        whole = self.data.latents.shape[1]
        length = whole // 2 if rng.random() < self.crop_share else whole
        clips = self._clips(step)
        latents = crops(self.data, clips, length, rng)
        words = np.zeros((len(clips), MAX_WORDS), np.int64)
        for row, clip in enumerate(clips):
            if rng.random() >= self.words_dropped:
                words[row] = self.vocabulary.read(caption(self.data, int(clip), rng)).ids
        time = 1 / (1 + np.exp(-(TIME_MIDDLE + TIME_SPREAD * rng.standard_normal(len(clips)))))
        noise = rng.standard_normal(latents.shape, dtype=np.float32)
        return SoundBatch(latents, words, masks(words), noise, time.astype(np.float32), clips)

    def _clips(self, step: int) -> np.ndarray:
        """Rows of this step: the next ones of an epoch's permutation."""
        n = len(self.clips)
        found = []
        for place in range(step * self.rows, (step + 1) * self.rows):
            epoch, index = divmod(place, n)
            found.append(self._order(epoch)[index])
        return self.clips[found]

    def _order(self, epoch: int) -> np.ndarray:
        if getattr(self, "_kept", (None,))[0] != epoch:
            self._kept = (epoch, np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.clips)))
        return self._kept[1]


def heldout_batches(
    data: ClipLatents, vocabulary: Vocabulary, *, clips: int, rows: int = 16, seed: int = 7
) -> list[SoundBatch]:
    """Fixed batches of evenly spread held-out clips, whole, with full captions and the times of training, evenly."""
    held = np.flatnonzero(data.clip_heldout)
    held = held[np.unique(np.linspace(0, len(held) - 1, clips).astype(int))]
    rng = np.random.default_rng(seed)
    rng.shuffle(held)
    normal = NormalDist(TIME_MIDDLE, TIME_SPREAD)
    odds = [normal.inv_cdf((place + 0.5) / len(held)) for place in rng.permutation(len(held)).tolist()]
    time = 1 / (1 + np.exp(-np.array(odds)))
    made = []
    for first in range(0, len(held), rows):
        part = held[first : first + rows]
        words = np.array([vocabulary.read(caption(data, int(c), rng, full=True)).ids for c in part], np.int64)
        latents = from_int8(data.latents[part])
        noise = rng.standard_normal(latents.shape, dtype=np.float32)
        made.append(
            SoundBatch(latents, words, masks(words), noise, time[first : first + rows].astype(np.float32), part)
        )
    return made


def crops(data: ClipLatents, clips: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """A stretch of `length` latents of each clip, from wherever: (B, length, channels) float32."""
    room = (data.latents.shape[1] - length) // data.grid
    starts = rng.integers(0, room + 1, size=len(clips)) * data.grid
    return from_int8(np.stack([data.latents[c, s : s + length] for c, s in zip(clips, starts, strict=True)]))


def masks(words: np.ndarray) -> np.ndarray:
    """(B, 12) float32, see `caption_mask`."""
    return np.array([caption_mask(row) for row in words.tolist()], np.float32)
