"""`Picture`: the one type that holds a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Picture:
    """A picture ready to be looked at.

    rgb: uint8 sRGB (height, width, 3), turned as its EXIF says, transparency flattened on white, first frame; of a picture
    above 25 megapixels at half its width and height. name: the file's stem, or "picture". sha256: hex digest of the
    file's bytes (of the pixels when there was no file). words: optional words that came with it. size: (width, height) of
    the picture itself, as it stands upright; None: that of `rgb`. notes: what was passed over in it, in words.
    """

    rgb: np.ndarray
    name: str
    sha256: str
    words: str | None = None
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Of the picture itself, in pixels."""
        return self.size[0] if self.size else self.rgb.shape[1]

    @property
    def height(self) -> int:
        """Of the picture itself, in pixels."""
        return self.size[1] if self.size else self.rgb.shape[0]
