"""Between latents and sound: the autoencoder and the vocoder of AudioLDM, AudioLDM 2 and Tango.

    waveform (16 kHz) -> log-mel (frames of 10 ms, 64 bands) -> latents (8, frames / 4, 16), times the VAE's scaling factor

and back through the VAE's decoder and a HiFi-GAN vocoder. All sizes are read from the two models' configurations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import SpeechT5HifiGan

from klangbild.errors import UsageError


@dataclass(frozen=True)
class LatentAudio:
    """A VAE for log-mel pictures and the vocoder that makes them sound."""

    vae: AutoencoderKL
    vocoder: SpeechT5HifiGan

    @property
    def rate(self) -> int:
        """Hz."""
        return int(self.vocoder.config.sampling_rate)

    @property
    def hop(self) -> int:
        """Samples a mel frame."""
        return int(np.prod(self.vocoder.config.upsample_rates))

    @property
    def factor(self) -> int:
        """Mel frames (and bands) a latent frame."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def frames_per_second(self) -> float:
        """Latent frames a second."""
        return self.rate / self.hop / self.factor

    def latent_shape(self, seconds: float, *, multiple: int = 1) -> tuple[int, int, int]:
        """(channels, frames, bands) that hold at least `seconds`; frames is a multiple of `multiple`.

        Raises:
            UsageError: the length is not positive.
        """
        if not seconds > 0:
            raise UsageError(f"seconds {seconds} out of range; give more than 0")
        frames = math.ceil(round(seconds * self.frames_per_second, 6))
        frames = math.ceil(frames / multiple) * multiple
        return int(self.vae.config.latent_channels), frames, int(self.vocoder.config.model_in_dim) // self.factor

    def encode(self, mel: Tensor, *, generator: torch.Generator | None = None, sample: bool = True) -> Tensor:
        """Log-mel (batch, frames, bands) -> scaled latents; drawn from the VAE's distribution, or its mean."""
        posterior = self.vae.encode(mel[:, None].to(self.vae.dtype)).latent_dist
        drawn = posterior.sample(generator=generator) if sample else posterior.mean
        return drawn * self.vae.config.scaling_factor

    def noise(self, seconds: float, count: int, generator: torch.Generator) -> Tensor:
        """What `count` candidates start from, (count, channels, frames, bands) on the CPU, so that every device starts from the
        same; the first of several from what one alone starts from."""
        shape = self.latent_shape(seconds)
        return torch.stack([torch.randn(shape, generator=generator) for _ in range(count)])

    def decode_mel(self, latents: Tensor) -> Tensor:
        """Scaled latents (batch, channels, frames, bands) -> log-mel (batch, 1, 4 frames, 64)."""
        return self.vae.decode(latents.to(self.vae.dtype) / self.vae.config.scaling_factor).sample

    def decode(self, latents: Tensor) -> Tensor:
        """Scaled latents -> waveforms (batch, samples), float32 on the CPU."""
        return self.vocode(self.decode_mel(latents))

    def vocode(self, mel: Tensor) -> Tensor:
        """Log-mel (batch, 1, frames, bands) -> waveforms (batch, samples), float32 on the CPU."""
        return self.vocoder(mel[:, 0].to(next(self.vocoder.parameters()).dtype)).float().cpu()
