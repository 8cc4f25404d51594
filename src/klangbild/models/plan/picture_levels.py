"""What the picture encoder that ships sees, level by level: strokes and grain, textures, forms, and what the picture shows.

Of each level it says the mean and the deviation of every channel over the picture, which are two places to look at.
"""

from __future__ import annotations

import numpy as np

from klangbild.errors import InputError
from klangbild.picture.encoder import Look

LEVELS = ("strokes", "textures", "forms", "things")
PLACES = 2
_SURFACE = (24, 48, 88)
_TOP, _MIDDLE = 1280, 208
WIDTHS = (72, 88, 208, 1280)
"""Channels of each level."""


def seen_by(look: Look) -> np.ndarray:
    """All of it in a row: (n, 3296) float32."""
    return np.concatenate([look.embedding, look.surface], axis=1).astype(np.float32)


def levels_of(embedding: np.ndarray, surface: np.ndarray) -> list[np.ndarray]:
    """What the encoder says of n pictures -> four arrays (n, 2, c), c as in `WIDTHS`.

    Raises:
        InputError: it is another encoder.
    """
    if embedding.shape[1] != 2 * (_TOP + _MIDDLE) or surface.shape[1] != 2 * sum(_SURFACE):
        raise InputError(
            f"the picture encoder says {embedding.shape[1]} and {surface.shape[1]} numbers, not those that the plan model's picture "
            "parts know; install both again"
        )
    parts, start = [], 0
    for width in _SURFACE:
        parts.append(surface[:, start : start + 2 * width].reshape(-1, PLACES, width))
        start += 2 * width
    top = embedding[:, : 2 * _TOP].reshape(-1, PLACES, _TOP)
    forms = embedding[:, 2 * _TOP :].reshape(-1, PLACES, _MIDDLE)
    found = [np.concatenate(parts[:2], axis=2), parts[2], forms, top]
    return [level.astype(np.float32) for level in found]
