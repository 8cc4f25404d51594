"""ImageBind's eye: a picture (224 x 224) becomes a unit vector of 1024 numbers in the space it shares with sound.

Preparation: short side to 224 pixels (bicubic, antialiased; long side floor(224 * long / short)), centre crop, CLIP's
mean and deviation. The tower was built for video of two frames; a picture is both frames, so the two time slices of
its patch filter are summed first, which is the same sum in half the work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from klangbild.models.published.imagebind.tower import (
    PositionEmbedding,
    Trunk,
    UnitLength,
    add_class_token,
    first_token_head,
)

IMAGE_PX = 224
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class VisionConfig:
    """Sizes of the vision tower; the defaults are `imagebind_huge`'s (632.8 M weights)."""

    image_px: int = IMAGE_PX
    patch_px: int = 14
    width: int = 1280
    n_blocks: int = 32
    n_heads: int = 16
    out_dim: int = 1024


def crop_image(rgb: np.ndarray, *, size_px: int = IMAGE_PX) -> np.ndarray:
    """uint8 (height, width, 3) -> uint8 (size_px, size_px, 3): short side resized, centre kept."""
    from PIL import Image

    height, width = rgb.shape[:2]
    if width <= height:
        new_width, new_height = size_px, int(size_px * height / width)
    else:
        new_width, new_height = int(size_px * width / height), size_px
    resized = Image.fromarray(rgb).resize((new_width, new_height), Image.Resampling.BICUBIC)
    left, top = round((new_width - size_px) / 2), round((new_height - size_px) / 2)
    return np.asarray(resized.crop((left, top, left + size_px, top + size_px)))


def normalize_pixels(pixels: np.ndarray) -> Tensor:
    """uint8 (height, width, 3) -> float32 (3, height, width), CLIP's mean and deviation."""
    scaled = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1) / 255
    return (scaled - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def prepare_image(rgb: np.ndarray, *, size_px: int = IMAGE_PX) -> Tensor:
    """A picture's pixels, any size -> what the tower takes, (3, size_px, size_px)."""
    return normalize_pixels(crop_image(rgb, size_px=size_px))


class VisionTower(nn.Module):
    """(batch, 3, P, P) -> unit vectors (batch, out_dim)."""

    def __init__(self, config: VisionConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or VisionConfig()
        self.preprocessor = _Patches(config)
        self.trunk = Trunk(config.width, config.n_heads, config.n_blocks, pre_norm=True)
        self.head = first_token_head(config.width, config.out_dim)
        self.postprocessor = nn.Sequential(UnitLength())

    def forward(self, images: Tensor) -> Tensor:
        """(batch, 3, P, P) -> unit vectors (batch, out_dim)."""
        return self.postprocessor(self.head(self.trunk(self.preprocessor(images))))


class _Patches(nn.Module):
    """Images to tokens, (batch, 1 + (P / patch)^2, width)."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        patch, width = config.patch_px, config.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        # Named as in the checkpoint, where entry 0 doubled the frame and entry 1 is a 3-D convolution.
        stem = nn.Conv3d(3, width, (2, patch, patch), stride=(2, patch, patch), bias=False)
        self.rgbt_stem = nn.ModuleDict({"proj": nn.ModuleDict({"1": stem})})
        self.pos_embedding_helper = PositionEmbedding(1 + (config.image_px // patch) ** 2, width)
        self.patch_px = patch

    def forward(self, images: Tensor) -> Tensor:
        kernel = self.rgbt_stem["proj"]["1"].weight.sum(dim=2)  # (width, 3, patch, patch)
        patches = functional.conv2d(images, kernel, stride=self.patch_px).flatten(2).transpose(1, 2)
        return add_class_token(patches, self.cls_token, self.pos_embedding_helper)
