"""Small views of a picture: the sizes at which features and encoders look at it."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from klangbild.picture.picture import Picture


def small_view(picture: Picture, side: int = 128, *, longest_ratio: float = 4.0) -> np.ndarray:
    """The whole picture with about side*side pixels in its own proportions -> uint8 (height, width, 3).

    Proportions beyond `longest_ratio` : 1 are squashed to it, so that a line of pixels still has two dimensions.
    """
    ratio = min(max(picture.width / picture.height, 1 / longest_ratio), longest_ratio)
    width, height = round(side * math.sqrt(ratio)), round(side / math.sqrt(ratio))
    return _resized(picture.rgb, (width, height))


def square_view(picture: Picture, side: int = 128) -> np.ndarray:
    """The whole picture squashed to a square -> uint8 (side, side, 3); squashing loses less than cropping does."""
    return _resized(picture.rgb, (side, side))


def _resized(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """rgb uint8 (H, W, 3) at (width, height), averaged over what each pixel covers."""
    if (rgb.shape[1], rgb.shape[0]) == size:
        return rgb
    # reducing_gap: large photographs are first averaged by a whole factor, 5x faster and hardly different
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))
