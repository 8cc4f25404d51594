"""Training batches for the picture encoder: small pictures with their teacher's targets, shaken a little.

Three kinds of item: a 128-pixel picture; a 64-pixel photograph enlarged; four 64-pixel photographs as the quarters of one
picture, each quarter with its own target (so that sharp photographs are seen at the size they have). Everything is drawn
from (seed, step), so a run that resumes sees what it would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from klangbild.emotion.training.data.pictures_prepare import TARGET_SCALE, PictureData
from klangbild.emotion.training.encoder_torch import SIDE


@dataclass(frozen=True)
class Batch:
    """rgb (B, 3, 128, 128) float 0..255; pooled (B, 256), quadrants (B, 4, 96): teacher's components."""

    rgb: Tensor
    pooled: Tensor
    quadrants: Tensor


class PictureBatches:
    """All pictures decoded once (about 0.5 GB for 15,000), then drawn at random."""

    def __init__(self, data: PictureData, *, shares: dict[str, float] | None = None, mosaic: float = 0.5) -> None:
        names = [str(name) for name in data.sets]
        self.mosaic = mosaic
        self.pixels = {i: torch.from_numpy(data.picture(i).copy()) for i in range(len(data.set_index))}
        self.pooled = torch.from_numpy(data.pooled.astype(np.float32) / TARGET_SCALE)
        self.quadrants = torch.from_numpy(data.quadrants.astype(np.float32) / TARGET_SCALE)
        self.by_set, self.held_by_set = (
            {
                name: np.flatnonzero((data.set_index == number) & (data.held == held))
                for number, name in enumerate(names)
            }
            for held in (False, True)
        )
        self.shares = {n: s for n, s in (shares or {}).items() if len(self.by_set.get(n, ()))} or {
            n: float(len(members)) for n, members in self.by_set.items() if len(members)
        }

    def draw(self, size: int, *, seed: int, step: int) -> Batch:
        """One shaken batch, the same for the same seed and step."""
        rng = np.random.default_rng([seed, step])
        names = list(self.shares)
        share = np.array([self.shares[name] for name in names])
        rgb, pooled, quadrants = [], [], []
        for choice in rng.choice(len(names), size, p=share / share.sum()):
            members = self.by_set[names[choice]]
            if names[choice] == "photos64" and rng.random() < self.mosaic:
                four = members[rng.integers(0, len(members), 4)]
                tiles = [self.pixels[int(i)] for i in four]
                picture = torch.cat([torch.cat(tiles[:2], dim=1), torch.cat(tiles[2:], dim=1)], dim=0)
                rgb.append(picture)
                pooled.append(self.pooled[four].mean(dim=0))
                quadrants.append(self.quadrants[four].mean(dim=1))
            else:
                index = int(members[rng.integers(0, len(members))])
                rgb.append(self.pixels[index])
                pooled.append(self.pooled[index])
                quadrants.append(self.quadrants[index])
        pixels = torch.stack([_enlarged(picture) for picture in rgb])
        return _shaken(Batch(pixels, torch.stack(pooled), torch.stack(quadrants)), rng)

    def held_out(self, set_name: str, most: int = 400) -> Batch:
        """The first `most` pictures of a set that are never trained on, unshaken."""
        chosen = self.held_by_set.get(set_name, np.zeros(0, np.int64))[:most]
        pixels = [_enlarged(self.pixels[int(i)]) for i in chosen]
        return Batch(
            torch.stack(pixels) if pixels else torch.zeros(0, 3, SIDE, SIDE),
            self.pooled[chosen],
            self.quadrants[chosen],
        )


def _enlarged(picture: Tensor) -> Tensor:
    """uint8 (h, w, 3) -> float (3, 128, 128)."""
    planes = picture.permute(2, 0, 1).float()
    if planes.shape[-1] == SIDE:
        return planes
    return F.interpolate(planes[None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)[0]


def _shaken(batch: Batch, rng: np.random.Generator) -> Batch:
    """Mirror, shift by up to 8 pixels, gain, offset and saturation; targets follow the mirror."""
    rgb, size = batch.rgb, len(batch.rgb)
    mirrored = torch.from_numpy(rng.random(size) < 0.5)
    rgb = torch.where(mirrored[:, None, None, None], rgb.flip(-1), rgb)
    quadrants = torch.where(mirrored[:, None, None], batch.quadrants[:, [1, 0, 3, 2]], batch.quadrants)
    padded = F.pad(rgb, (8, 8, 8, 8), mode="replicate")
    places = rng.integers(0, 17, (size, 2))
    rgb = torch.stack([p[:, y : y + SIDE, x : x + SIDE] for p, (y, x) in zip(padded, places.tolist(), strict=True)])

    def column(low: float, high: float) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, (size, 1, 1, 1)).astype(np.float32))

    gray = rgb.mean(dim=1, keepdim=True)
    rgb = gray + (rgb - gray) * column(0.75, 1.25)
    rgb = (rgb * column(0.85, 1.15) + column(-12, 12)).clamp_(0, 255)
    return Batch(rgb, batch.pooled, quadrants)
