"""Where overlapping windows start, and how much of each is believed: the plan behind music longer than a network knows.

Source: MultiDiffusion, arXiv 2302.08113, equation 5, along time. `windows.py` follows it in torch, `sampler.py` in numpy.
"""

from __future__ import annotations

import math

import numpy as np

OVERLAP = 0.25


def window_starts(n_frames: int, window: int, *, overlap: float = OVERLAP, grid: int = 1) -> list[int]:
    """First frames of windows that cover `n_frames`, the last one ending with them; neighbours share >= `overlap`.

    grid: every start is a multiple of it; `n_frames` and `window` are, where there is more than one window.

    >>> window_starts(100, 40), window_starts(30, 40)
    ([0, 30, 60], [0])
    """
    if n_frames <= window:
        return [0]
    room = (n_frames - window) // grid
    hop = max(1, math.floor(window * (1 - overlap) / grid))
    n = math.ceil(room / hop) + 1
    return [grid * round(i * room / (n - 1)) for i in range(n)]


def window_ramp(window: int) -> np.ndarray:
    """Rises to the middle and falls, never zero, float32 (window,): nearer to its middle a window is believed more."""
    position = (np.arange(window) + 0.5) / window
    return (np.sin(np.pi * position) ** 2 + 1e-3).astype(np.float32)
