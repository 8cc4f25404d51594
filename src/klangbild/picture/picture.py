"""`Picture`: the one type that holds a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Picture:
    """A picture ready to be looked at.

    rgb: uint8 (height, width, 3), turned as its EXIF says, transparency flattened on white, first frame.
    name: the file's stem, or "picture". sha256: hex digest of the file's bytes (of the pixels when there was no file).
    words: optional words that came with it.
    """

    rgb: np.ndarray
    name: str
    sha256: str
    words: str | None = None

    @property
    def width(self) -> int:
        return self.rgb.shape[1]

    @property
    def height(self) -> int:
        return self.rgb.shape[0]
