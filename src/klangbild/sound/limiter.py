"""A look-ahead limiter's gain curve, worked out from the true peaks of short blocks.

It turns down in advance and smoothly (3 ms before each peak), recovers at a rate that is linear in dB, and is the same
for all channels, so that neither the stereo picture nor the balance of stems moves.
"""

from __future__ import annotations

import numpy as np

_LOOK_AHEAD_S = 0.003
_RECOVERY_DB_PER_S = 80.0


def limiter_curve(peaks: np.ndarray, *, ceiling: float, block: int, rate: int, n: int) -> np.ndarray:
    """Gain per sample, float32 (n,), 0..1, that keeps every block's peak at or under `ceiling`.

    peaks: the largest |sound| of each block of `block` samples, (ceil(n / block),).
    """
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    needed_db = 20 * np.log10(np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)).astype(np.float64))
    # recovery: the lowest of all earlier needs, each rising by the recovery rate since
    rise = np.arange(len(needed_db)) * (_RECOVERY_DB_PER_S * block / rate)
    held_db = np.minimum.accumulate(needed_db - rise) + rise
    held = 10 ** (np.minimum(held_db, 0.0) / 20)
    half = max(round(_LOOK_AHEAD_S * rate / block), 1)
    # a mean over 2 half + 1 blocks of minima over 2 half + 3 blocks is nowhere above the need, even between block centres
    low = minimum_filter1d(held, 2 * half + 3, mode="nearest")
    smooth = uniform_filter1d(low, 2 * half + 1, mode="nearest")
    centres = (np.arange(len(smooth)) + 0.5) * block
    return np.interp(np.arange(n), centres, smooth).astype(np.float32)
