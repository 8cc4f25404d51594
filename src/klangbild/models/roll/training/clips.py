"""Clips of a piano roll as latents, made when a training run begins: prepared rolls through the autoencoder's encoder.

`open_clips` opens them for the trainers of the flow and of the picture parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from klangbild.errors import UsageError
from klangbild.models.roll.data.captions import ClipLatents
from klangbild.models.roll.data.prepared import CLIP_BEATS, RollData
from klangbild.models.roll.latent import CHANNELS, CODE, TEMPO, fact_channels, to_int8
from klangbild.models.roll.latent_torch import RollAutoencoder

PERIOD = 16
"""Beats after which a place comes back: crops start at the first of four bars."""
_TEMPO_WEIGHT = 4.0
_ROWS = 8192


@dataclass(frozen=True)
class RollClips:
    """N clips of 64 beats: latents (N, 64, 92) int8 in steps of 1/32, with the facts of `data`; see `ClipLatents`."""

    latents: np.ndarray
    data: RollData
    grid: ClassVar[int] = PERIOD
    tonic: ClassVar[None] = None
    """All music stands in C major or A minor, so there is nothing to say."""

    def __len__(self) -> int:
        return len(self.latents)

    def __getattr__(self, name: str) -> Any:
        # valence, arousal, tempo, mode, meter, families, rate, pool, clip_heldout, about
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.data, name)

    @property
    def channel_weights(self) -> np.ndarray:
        """(channels,), mean 1: all equal, but the tempo, which is heard in every beat."""
        weights = np.ones(CHANNELS, np.float32)
        weights[TEMPO] = _TEMPO_WEIGHT
        return weights / weights.mean()


def roll_clips(data: RollData, model: RollAutoencoder) -> RollClips:
    """Every clip of `data` through the encoder."""
    from klangbild.models.roll.training.train_latent import beats_at

    beats = data.beats()
    codes = np.zeros((len(beats), CODE), np.int8)
    model.eval()
    with torch.no_grad():
        for first in range(0, len(beats), _ROWS):
            rows = np.arange(first, min(first + _ROWS, len(beats)))
            codes[rows] = to_int8(model.encode(*beats_at(beats, rows)).numpy())
    starts = beats.first[data.clip_run] + data.clip_beat
    latents = np.zeros((len(data), CLIP_BEATS, CHANNELS), np.int8)
    latents[..., :CODE] = codes[starts[:, None] + np.arange(CLIP_BEATS)]
    latents[..., CODE:] = to_int8(fact_channels(data.tempo, data.families))[:, None]
    return RollClips(latents, data)


def open_clips(path: Path, latent: str) -> ClipLatents:
    """Prepared rolls, with the weights of the autoencoder that makes latents of them.

    Raises:
        InputError, NotAvailableError: a file cannot be used. UsageError: no autoencoder is named.
    """
    data = RollData.load(path)
    if not latent:
        raise UsageError(f"{path}: holds piano rolls; name the autoencoder's weights as 'latent' in the config")
    from klangbild.models.roll.training.export_latent import load_autoencoder

    return roll_clips(data, load_autoencoder(Path(latent)))
