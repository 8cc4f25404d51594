"""ImageBind's ear: three clips of two seconds become one vector in the space it shares with pictures.

Preparation (16 kHz): clips start at k (d - 2) / 3 for k = 0, 1, 2 (d: duration; the published pin of the sampler; later
ones divide by 2, so that the last clip ends with the file); each clip loses its mean *over all channels*, is seen
through its first channel, 128 Kaldi bands x 204 frames; two seconds fill 198 frames, the rest is zero before
(x + 4.268) / 9.138. The mean is taken off the loaded waveform itself in the original, so where clips overlap (files
under eight seconds) a later clip sees what an earlier one left: kept, because published vectors were made so.

The result is the mean of three vectors of length 20: not a unit vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor, nn

from klangbild.errors import InputError
from klangbild.models.published.imagebind.kaldi_fbank import log_filter_bank
from klangbild.models.published.imagebind.tower import (
    LogitScale,
    PositionEmbedding,
    Trunk,
    UnitLength,
    add_class_token,
    first_token_head,
)
from klangbild.models.published.resample import resample

RATE = 16_000
CLIP_S = 2
N_CLIPS = 3
N_BANDS = 128
N_FRAMES = 204
MEAN = -4.268
STD = 9.138


@dataclass(frozen=True)
class AudioConfig:
    """Sizes of the audio tower; the defaults are `imagebind_huge`'s (86.2 M weights)."""

    kernel: int = 16
    stride: int = 10
    width: int = 768
    n_blocks: int = 12
    n_heads: int = 12
    out_dim: int = 1024


def clip_starts_s(duration_s: float, *, n_clips: int = N_CLIPS, last_at_end: bool = False) -> list[Fraction]:
    """Where the clips start. Exact fractions: a rounded start would move a clip by a sample.

    Args:
        duration_s: of the file.
        n_clips: how many.
        last_at_end: spread them so that the last ends with the file (newer samplers), not as published.
    """
    room = max(Fraction(duration_s) - CLIP_S, Fraction(0))
    parts = max(n_clips - 1, 1) if last_at_end else n_clips
    return [room / parts * k for k in range(n_clips)]


def prepare_audio(samples: np.ndarray, rate: int, *, last_at_end: bool = False, name: str = "audio") -> Tensor:
    """Sound -> log-mel clips (3, 1, 128, 204).

    Args:
        samples: (channels, n) or (n,), full scale -1..1.
        rate: Hz.
        last_at_end: see `clip_starts_s`.
        name: named in errors.

    Raises:
        InputError: there is no sound in it, or less than one frame (25 ms).
    """
    sound = torch.from_numpy(np.ascontiguousarray(np.atleast_2d(samples), dtype=np.float32))
    if sound.shape[1] < rate * 0.025:
        raise InputError(f"{name}: shorter than 25 ms; give a longer file")
    sound = resample(sound, rate, RATE).clone()
    clips = []
    for start in clip_starts_s(sound.shape[1] / RATE, last_at_end=last_at_end):
        clip = sound[:, int(start * RATE) : int((start + CLIP_S) * RATE)]
        clip -= clip.mean()  # in place on the file, see above
        clips.append(_clip_to_mel(clip[0]))
    return torch.stack(clips)


def _clip_to_mel(wave: Tensor) -> Tensor:
    bands = log_filter_bank(wave, RATE, n_bands=N_BANDS)[:N_FRAMES]
    mel = wave.new_zeros(N_FRAMES, N_BANDS)
    mel[: bands.shape[0]] = bands
    return ((mel - MEAN) / STD).T[None]  # (1, 128, 204)


class AudioTower(nn.Module):
    """(batch, clips, 1, 128, 204) -> (batch, out_dim), the mean over clips; or (batch, 1, 128, 204) as single clips."""

    def __init__(self, config: AudioConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AudioConfig()
        self.preprocessor = _Patches(config)
        self.trunk = Trunk(config.width, config.n_heads, config.n_blocks, extra_key=True)
        self.head = first_token_head(config.width, config.out_dim)
        self.postprocessor = nn.Sequential(UnitLength(), LogitScale(20.0, learnable=False))

    def forward(self, clips: Tensor) -> Tensor:
        """Clips (batch, clips, 1, 128, 204), or (batch, 1, 128, 204) -> (batch, out_dim), the mean over the clips."""
        batch = clips.shape[0]
        flat = clips.flatten(0, 1) if clips.ndim == 5 else clips  # (batch * clips, 1, 128, 204)
        vectors = self.postprocessor(self.head(self.trunk(self.preprocessor(flat))))
        return vectors.reshape(batch, -1, vectors.shape[-1]).mean(dim=1)


class _Patches(nn.Module):
    """Spectrograms to tokens, (batch, 1 + patches, width)."""

    def __init__(self, config: AudioConfig) -> None:
        super().__init__()
        kernel, stride, width = config.kernel, config.stride, config.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.rgbt_stem = nn.ModuleDict(
            {
                "proj": nn.Conv2d(1, width, kernel, stride=stride, bias=False),
                "norm_layer": nn.LayerNorm(width),  # eps 1e-5 here, unlike every other one
            }
        )
        n_patches = ((N_BANDS - kernel) // stride + 1) * ((N_FRAMES - kernel) // stride + 1)
        self.pos_embedding_helper = PositionEmbedding(1 + n_patches, width)

    def forward(self, clips: Tensor) -> Tensor:
        patches = self.rgbt_stem["proj"](clips).flatten(2).transpose(1, 2)
        return add_class_token(self.rgbt_stem["norm_layer"](patches), self.cls_token, self.pos_embedding_helper)
