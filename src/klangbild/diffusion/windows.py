"""Music longer than the network was trained on, without a seam.

The latents of the whole length are denoised together. At every step the network looks at overlapping windows of the
length it knows, and where two windows overlap their predictions are blended; so neighbours agree long before anything is
audible, instead of being glued afterwards.

Source: MultiDiffusion, arXiv 2302.08113, equation 5, along time.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

OVERLAP = 0.25


def window_starts(n_frames: int, window: int, *, overlap: float = OVERLAP) -> list[int]:
    """First frames of windows that cover `n_frames`, the last one ending with them; neighbours share >= `overlap`.

    >>> window_starts(100, 40), window_starts(30, 40)
    ([0, 30, 60], [0])
    """
    if n_frames <= window:
        return [0]
    hop = max(1, math.floor(window * (1 - overlap)))
    n = math.ceil((n_frames - window) / hop) + 1
    return [round(i * (n_frames - window) / (n - 1)) for i in range(n)]


def over_windows(
    predict: Callable[[Tensor], Tensor], latents: Tensor, *, window: int, overlap: float = OVERLAP
) -> Tensor:
    """The prediction for latents of any length.

    Args:
        predict: (batch, channels, <= window frames, bands) -> same shape.
        latents: (batch, channels, frames, bands).
        window: frames the network knows.
        overlap: share of a window that neighbours have in common, at least.
    """
    n_frames = latents.shape[2]
    starts = window_starts(n_frames, window, overlap=overlap)
    if len(starts) == 1:
        return predict(latents)
    ramp = _ramp(window).to(latents)[:, None]  # (window, 1)
    total = torch.zeros_like(latents)
    weight = torch.zeros(n_frames, 1).to(latents)
    for start in starts:
        span = slice(start, start + window)
        total[:, :, span] += ramp * predict(latents[:, :, span])
        weight[span] += ramp
    return total / weight


def _ramp(window: int) -> Tensor:
    """Rises to the middle and falls, never zero: the closer to the middle, the more a window is believed."""
    position = (torch.arange(window) + 0.5) / window
    return torch.sin(math.pi * position) ** 2 + 1e-3
