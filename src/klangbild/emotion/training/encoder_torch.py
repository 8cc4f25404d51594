"""The picture encoder as a network: plain dense 3 x 3 convolutions behind a stride-4 stem.

Plain convolutions beat depthwise ones threefold in speed on a CPU in bfloat16 (measured in the study this follows), and
the stride-4 stem leaves the large, slow resolutions out. Residual blocks: He et al. 2016; patch stem: Dosovitskiy et al.
2021. Four levels of feature maps come out beside the embedding, for models that look at more than a summary.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE = 128
# mean and deviation of sRGB values over the training pictures, 0..1; a rough scale is all that batch norm needs
CENTER, SPREAD = 0.45, 0.26


@dataclass(frozen=True)
class EncoderSizes:
    """Channels of the four levels at 32, 16, 8 and 4 pixels a side (for 128 in), residual blocks of each, embedding."""

    widths: tuple[int, ...] = (32, 64, 128, 192)
    blocks: tuple[int, ...] = (0, 1, 2, 2)
    embedding: int = 384
    quadrants: int = 96
    pooled: int = 256

    def as_dict(self) -> dict:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


class Residual(nn.Module):
    """x + two 3 x 3 convolutions of x, (B, C, H, W) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm_one = nn.BatchNorm2d(width)
        self.two = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm_two = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm_two.weight)  # starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return F.relu(x + self.norm_two(self.two(F.relu(self.norm_one(self.one(x))))))


class EncoderNetwork(nn.Module):
    """uint8-valued RGB (B, 3, 128, 128), 0..255 -> embedding (B, 384) and maps of four levels."""

    def __init__(self, sizes: EncoderSizes, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.sizes = sizes
        levels, before = [], 3
        for index, (width, blocks) in enumerate(zip(sizes.widths, sizes.blocks, strict=True)):
            down = nn.Conv2d(before, width, 4, stride=4, bias=False) if index == 0 else (
                nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False))  # fmt: skip
            level = [down, nn.BatchNorm2d(width), nn.ReLU(), *(Residual(width) for _ in range(blocks))]
            levels.append(nn.Sequential(*level))
            before = width
        self.levels = nn.ModuleList(levels)
        self.top = nn.Sequential(
            nn.Conv2d(before, sizes.embedding, 1, bias=False), nn.BatchNorm2d(sizes.embedding), nn.ReLU()
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
                nn.init.normal_(module.weight, std=(2.0 / fan_out) ** 0.5, generator=generator)

    def forward(self, rgb: Tensor) -> tuple[Tensor, list[Tensor], Tensor]:
        """-> (embedding (B, 384), [level1 (B, 32, 32, 32) .. level4 (B, 192, 4, 4)], top map (B, 384, 4, 4))."""
        x = (rgb * (1 / 255.0) - CENTER) * (1 / SPREAD)
        maps = []
        for level in self.levels:
            x = level(x)
            maps.append(x)
        top = self.top(x)
        return top.mean(dim=(2, 3)), maps, top


class Student(nn.Module):
    """The encoder with the linear readers of the teacher's targets, which are only used in training."""

    def __init__(self, sizes: EncoderSizes, *, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.encoder = EncoderNetwork(sizes, generator=generator)
        self.pooled = nn.Linear(sizes.embedding, sizes.pooled)
        self.quadrants = nn.Linear(sizes.embedding, sizes.quadrants)
        for reader in (self.pooled, self.quadrants):
            nn.init.normal_(reader.weight, std=0.02, generator=generator)
            nn.init.zeros_(reader.bias)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """-> predicted (pooled (B, 256), quadrants (B, 4, 96))."""
        embedding, _, top = self.encoder(rgb)
        corners = F.avg_pool2d(top, top.shape[-1] // 2).flatten(2).mT
        return self.pooled(embedding), self.quadrants(corners)
