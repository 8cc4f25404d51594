"""Music longer than the network was trained on, without a seam.

The latents of the whole length are denoised together. At every step the network looks at overlapping windows of the
length it knows, and where two windows overlap their predictions are blended; so neighbours agree long before anything is
audible, instead of being glued afterwards.

Source: MultiDiffusion, arXiv 2302.08113, equation 5, along time.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from klangbild.models.window_plan import OVERLAP, window_ramp, window_starts

__all__ = ["OVERLAP", "over_windows", "window_of", "window_starts"]


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
    ramp = torch.from_numpy(window_ramp(window)).to(latents)[:, None]  # (window, 1)
    total = torch.zeros_like(latents)
    weight = torch.zeros(n_frames, 1).to(latents)
    for start in starts:
        span = slice(start, start + window)
        total[:, :, span] += ramp * predict(latents[:, :, span])
        weight[span] += ramp
    return total / weight


def window_of(unet: torch.nn.Module) -> int:
    """Latent frames that the network was trained on: 256 in AudioLDM 2 and Tango."""
    size = unet.config.sample_size
    return int(size[0] if isinstance(size, list | tuple) else size)
