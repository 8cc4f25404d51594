"""Training batches of the plan model, each a function of seed and step alone: a stopped run goes on to the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from klangbild.models.plan.caption_words import MAX_WORDS, Vocabulary, caption_mask
from klangbild.models.plan.data.captions import caption
from klangbild.models.plan.data.prepared import CLIP_SECTIONS, PlanClips
from klangbild.models.plan.traits_of_music import N_AXES

TIME_MIDDLE, TIME_SPREAD = -0.7, 1.2
"""Times are logistic-normal, nearer to noise than to data: what kind of music it will be is decided in the first tenth, and
only there can words tell what the noisy clip does not show (Esser et al. 2024 shift times the same way)."""
DEQUANTIZED = 0.08
"""Noise on what is learnt: places among sections have ties and ends, which a flow need not hit exactly."""
AXES_NOISE = 0.12
"""Noise on the eight numbers of `traits_of_music.AXES`: a picture says them about as exactly."""
CAPTIONS = 3
"""Captions that are made of each clip, once; a draw takes one of them."""


@dataclass(frozen=True)
class PlanBatch:
    """rows (B, T, C) float32: the plans; words (B, 12) int64; mask (B, 12) float32; axes (B, 8) float32 and known (B, 2), whether their
    feeling and their traits are told; places (B,) int64: how many tokens say them (4 or 1); noise (B, T, C); time (B,) in 0..1; clips (B,)
    int64: which."""

    rows: np.ndarray
    words: np.ndarray
    mask: np.ndarray
    axes: np.ndarray
    known: np.ndarray
    places: np.ndarray
    noise: np.ndarray
    time: np.ndarray
    clips: np.ndarray

    @property
    def noisy(self) -> np.ndarray:
        """(1 - t) noise + t data: (B, T, C) float32."""
        t = self.time[:, None, None]
        return (1 - t) * self.noise + t * self.rows


class PlanBatches:
    """Draws from the training clips: every epoch a new permutation, all six sections or the first few of them, one of a clip's captions."""

    def __init__(
        self,
        data: PlanClips,
        vocabulary: Vocabulary,
        *,
        rows: int = 64,
        crop_share: float = 0.3,
        words_dropped: float = 0.4,
        axes_dropped: float = 0.5,
        seed: int = 1,
    ) -> None:
        self.data, self.vocabulary = data, vocabulary
        self.n_rows, self.crop_share, self.seed = rows, crop_share, seed
        self.words_dropped, self.axes_dropped = words_dropped, axes_dropped
        self.clips = np.flatnonzero(~data.clip_heldout)
        self.axes = data.axes()
        self.captions = captions_of(data, vocabulary, self.clips, seed)

    def batch(self, step: int) -> PlanBatch:
        """A step's batch."""
        rng = np.random.default_rng([self.seed, 1, step])
        length = int(rng.integers(1, CLIP_SECTIONS)) if rng.random() < self.crop_share else CLIP_SECTIONS
        places = self._places(step)
        clips = self.clips[places]
        plans = self.data.rows(clips)[:, :length]
        plans = plans + rng.normal(0.0, DEQUANTIZED, plans.shape).astype(np.float32)
        n = len(clips)
        words = self.captions[places, rng.integers(0, CAPTIONS, n)]
        words = np.where(rng.random(n)[:, None] < self.words_dropped, 0, words)
        known = np.repeat(rng.random(n)[:, None] >= self.axes_dropped, 2, axis=1)
        known &= rng.random((n, 2)) >= 0.15
        axes = self.axes[clips] + rng.normal(0.0, AXES_NOISE, (n, N_AXES)).astype(np.float32)
        odds = TIME_MIDDLE + TIME_SPREAD * rng.standard_normal(n)
        return PlanBatch(
            plans, words, masks(words), axes.astype(np.float32), known.astype(np.float32), rng.choice((4, 1), n),
            rng.standard_normal(plans.shape, dtype=np.float32), (1 / (1 + np.exp(-odds))).astype(np.float32), clips,
        )  # fmt: skip

    def _places(self, step: int) -> np.ndarray:
        """Rows of this step: the next ones of an epoch's permutation."""
        n = len(self.clips)
        found = []
        for place in range(step * self.n_rows, (step + 1) * self.n_rows):
            epoch, index = divmod(place, n)
            found.append(self._order(epoch)[index])
        return np.array(found)

    def _order(self, epoch: int) -> np.ndarray:
        if getattr(self, "_kept", (None,))[0] != epoch:
            self._kept = (epoch, np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.clips)))
        return self._kept[1]


def captions_of(data: PlanClips, vocabulary: Vocabulary, clips: np.ndarray, seed: int) -> np.ndarray:
    """(n, `CAPTIONS`, 12) int64: numbers of the words of some captions of each clip."""
    rng = np.random.default_rng([seed, 2])
    found = np.zeros((len(clips), CAPTIONS, MAX_WORDS), np.int64)
    for row, clip in enumerate(clips.tolist()):
        for number in range(CAPTIONS):
            found[row, number] = vocabulary.read(caption(data, clip, rng)).ids
    return found


def heldout_batches(
    data: PlanClips, vocabulary: Vocabulary, *, clips: int, rows: int = 64, seed: int = 7
) -> list[PlanBatch]:
    """Fixed batches of evenly spread held-out clips, whole, with full captions, nothing else told, and the times of training, evenly."""
    held = np.flatnonzero(data.clip_heldout)
    held = held[np.unique(np.linspace(0, len(held) - 1, clips).astype(int))]
    rng = np.random.default_rng(seed)
    rng.shuffle(held)
    normal = NormalDist(TIME_MIDDLE, TIME_SPREAD)
    odds = [normal.inv_cdf((place + 0.5) / len(held)) for place in rng.permutation(len(held)).tolist()]
    time = 1 / (1 + np.exp(-np.array(odds)))
    axes = data.axes()
    made = []
    for first in range(0, len(held), rows):
        part = held[first : first + rows]
        words = np.array([vocabulary.read(caption(data, int(c), rng, full=True)).ids for c in part], np.int64)
        plans = data.rows(part)
        noise = rng.standard_normal(plans.shape, dtype=np.float32)
        made.append(
            PlanBatch(
                plans,
                words,
                masks(words),
                axes[part],
                np.zeros((len(part), 2), np.float32),
                np.full(len(part), 4),
                noise,
                time[first : first + rows].astype(np.float32),
                part,
            )
        )
    return made


def masks(words: np.ndarray) -> np.ndarray:
    """(B, 12) float32, see `caption_mask`."""
    return np.array([caption_mask(row) for row in words.tolist()], np.float32)
