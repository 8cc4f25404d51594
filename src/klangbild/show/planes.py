"""`Planes`: a frame of video as encoders take it, brightness whole and color at half its width and height, to draw on with numpy.

Color is BT.709 in the limited range (brightness 16..235), which is what players take HD video for. All places are pixels of the whole
frame; those of color follow at half. Drawing straight into planes is what makes thirty frames a second affordable: nothing is ever
converted twice.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageColor

_Y = (0.1826, 0.6142, 0.0620, 16.5)
_U = (-0.1006, -0.3386, 0.4392, 128.5)
_V = (0.4392, -0.3989, -0.0403, 128.5)
"""What R, G and B (0..255) count in each plane, and what is added (half a step more: Pillow cuts off)."""
Color = str
"""Like "#ff8000"."""
Box = tuple[int, int, int, int]
"""left, top, right, bottom."""


@lru_cache(maxsize=1024)
def yuv_of(color: Color) -> tuple[int, int, int]:
    """A color as the planes hold it.

    >>> yuv_of("#ffffff"), yuv_of("#000000"), yuv_of("#ff0000")
    ((235, 128, 128), (16, 128, 128), (63, 102, 240))
    """
    rgb = ImageColor.getrgb(color)[:3]
    y, u, v = (int(sum(k * c for k, c in zip(row, rgb, strict=False)) + row[3]) for row in (_Y, _U, _V))
    return y, u, v


class Planes:
    """y: uint8 (height, width); u, v: uint8 (height / 2, width / 2). Width and height are even."""

    def __init__(self, y: np.ndarray, u: np.ndarray, v: np.ndarray) -> None:
        self.y, self.u, self.v = y, u, v

    @classmethod
    def filled(cls, width: int, height: int, color: Color) -> Planes:
        """All of one color."""
        y, u, v = yuv_of(color)
        half = (height // 2, width // 2)
        return cls(np.full((height, width), y, np.uint8), np.full(half, u, np.uint8), np.full(half, v, np.uint8))

    @classmethod
    def of(cls, image: Image.Image) -> Planes:
        """An RGB picture of even width and height."""
        half = (image.width // 2, image.height // 2)
        small = image.resize(half, Image.Resampling.BOX)
        planes = (image.convert("L", _Y), small.convert("L", _U), small.convert("L", _V))
        return cls(*(np.array(plane) for plane in planes))

    @property
    def width(self) -> int:
        return self.y.shape[1]

    @property
    def height(self) -> int:
        return self.y.shape[0]

    @property
    def all(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """y (height, width), u and v (height / 2, width / 2)."""
        return self.y, self.u, self.v

    def part(self, box: Box) -> Planes:
        """A view of a part, through which the whole is drawn on. Raises ValueError: an odd place."""
        if any(place % 2 for place in box):
            raise ValueError(f"the part {box} does not lie on whole color pixels")
        x0, y0, x1, y1 = box
        half = (slice(y0 // 2, y1 // 2), slice(x0 // 2, x1 // 2))
        return Planes(self.y[y0:y1, x0:x1], self.u[half], self.v[half])

    def put(self, other: Planes, x: int = 0, y: int = 0) -> None:
        """Another one, at an even place, over what is there; it lies within."""
        target = self.part((x, y, x + other.width, y + other.height))
        for mine, theirs in zip(target.all, other.all, strict=True):
            mine[:] = theirs

    def fill(self, box: tuple[float, float, float, float], color: Color, share: float = 1.0) -> None:
        """A rectangle, cut at the edges; share: 0..1 of it over what is there."""
        x0, y0, x1, y1 = (round(place) for place in box)
        x0, y0, x1, y1 = max(x0, 0), max(y0, 0), min(x1, self.width), min(y1, self.height)
        if x1 <= x0 or y1 <= y0:
            return
        half = (slice(y0 // 2, (y1 + 1) // 2), slice(x0 // 2, (x1 + 1) // 2))
        whole = (slice(y0, y1), slice(x0, x1))
        for plane, where, value in zip(self.all, (whole, half, half), yuv_of(color), strict=True):
            if share >= 1.0:
                plane[where] = value
            else:
                _towards(plane[where], value, round(256 * share))

    def shade(self, mask: np.ndarray, color: Color, x: int = 0, y: int = 0) -> None:
        """A color through a mask, uint8 (height, width), 255 where it covers, laid at an even place within."""
        height, width = mask.shape[0] // 2 * 2, mask.shape[1] // 2 * 2
        target = self.part((x, y, x + width, y + height))
        full = mask[:height, :width]
        small = np.asarray(Image.fromarray(full).reduce(2)) if full.size else full[::2, ::2]
        for plane, share, value in zip(target.all, (full, small, small), yuv_of(color), strict=True):
            _towards(plane, value, share.astype(np.int32) * 257 >> 8)


def _towards(plane: np.ndarray, value: int, share: int | np.ndarray) -> None:
    """The plane's values move by share / 256 of their way to a value."""
    moved = plane.astype(np.int32)
    moved += (value - moved) * share >> 8
    plane[:] = moved
