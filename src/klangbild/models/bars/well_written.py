"""What sections are told to be like beyond what those of real music are: a little more of what the model gives too little of.

Told what a real section is like, the model writes fewer notes outside the key, fewer different chords and fewer steps than that
section had, and louder ones: it draws to what is likeliest, and guidance the more. So what it is told is moved as far the other way.
"""

from __future__ import annotations

import numpy as np

from klangbild.models.bars.section_attributes import NAMES

MOVED: dict[str, float] = {
    "white_keys": -0.4,
    "pitch_classes": 0.4,
    "step_share": 0.35,
    "leap_share": -0.25,
    "velocity": -0.25,
}
"""In places of [-1, 1]."""
_SHIFT = np.array([MOVED.get(name, 0.0) for name in NAMES], np.float32)


def well_written(values: np.ndarray) -> np.ndarray:
    """What a section (`N_VALUES`,) is told to be like, moved by `MOVED`."""
    return np.clip(values + _SHIFT, -1.0, 1.0).astype(np.float32)
