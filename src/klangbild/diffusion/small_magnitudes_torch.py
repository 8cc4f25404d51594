"""The net that undoes the mel scale: 80 log-mel bands back to 513 log-magnitudes, frame by frame with a look around.

Three ConvNeXt blocks of width 192 on top of a plain interpolation between the bands' centres. The mel scale is what a
mel-and-Griffin-Lim chain loses most on, not the phase (measured in the study this follows): above 1 kHz a band holds many
bins, and the net has learnt how partials and hits lie in them.

Source of the blocks: Liu et al. (2022), "A ConvNet for the 2020s", along time as in Vocos (Siuzdak 2023).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from klangbild.diffusion.small_latent import FLOOR, N_BINS, N_MELS, RATE, mel_bank

CENTER, SPREAD = -7.0, 2.5
"""Rough mean and deviation of natural-log mel of music at -20 dB; a rough scale is all that is needed."""
LOWEST = float(np.log(FLOOR))


@dataclass(frozen=True)
class MagnitudeSizes:
    """Width of the blocks, their number, the widening inside them, frames that a convolution sees."""

    width: int = 192
    blocks: int = 3
    widening: int = 3
    kernel: int = 7

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class Block(nn.Module):
    """(B, frames, width) -> the same: a look along time channel by channel, then a widened layer, added."""

    def __init__(self, sizes: MagnitudeSizes) -> None:
        super().__init__()
        width = sizes.width
        self.along = nn.Conv1d(width, width, sizes.kernel, padding=sizes.kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, width * sizes.widening)
        self.narrow = nn.Linear(width * sizes.widening, width)
        self.scale = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.along(x.mT).mT
        return x + self.scale * self.narrow(F.gelu(self.wide(self.norm(y))))


class MagnitudeNet(nn.Module):
    """Natural-log mel (B, frames, 80) -> natural-log magnitudes (B, frames, 513), -10.4 at the least."""

    def __init__(self, sizes: MagnitudeSizes, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.sizes = sizes
        self.enter = nn.Conv1d(N_MELS, sizes.width, sizes.kernel, padding=sizes.kernel // 2)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.blocks))
        self.norm = nn.LayerNorm(sizes.width)
        self.leave = nn.Linear(sizes.width, N_BINS)
        self.between = nn.Linear(N_MELS, N_BINS, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Linear):
                fan_in = module.weight[0].numel()
                nn.init.normal_(module.weight, std=fan_in**-0.5, generator=generator)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.zeros_(self.leave.weight)
        self.between.weight.data = torch.from_numpy(interpolation())

    def forward(self, log_mel: Tensor) -> Tensor:
        x = self.enter((log_mel.mT - CENTER) / SPREAD).mT
        for block in self.blocks:
            x = block(x)
        return torch.clamp(self.leave(self.norm(x)) + self.between(log_mel), min=LOWEST)


def interpolation() -> np.ndarray:
    """Weights (513, 80) that draw straight lines between the centres of the mel bands."""
    hz = np.arange(N_BINS) * RATE / 2 / (N_BINS - 1)
    centres = mel_bank() @ hz / mel_bank().sum(axis=1)
    return np.stack([np.interp(hz, centres, row) for row in np.eye(N_MELS)], axis=1).astype(np.float32)
