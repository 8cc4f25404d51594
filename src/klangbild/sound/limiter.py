"""A look-ahead limiter's gain curve, worked out from the true peaks of short blocks.

It turns down in advance and smoothly (3 ms before each peak), recovers at a rate that is linear in dB, and is the same
for all channels, so that neither the stereo picture nor the balance of stems moves.
"""

from __future__ import annotations

import numpy as np

_LOOK_AHEAD_S = 0.003
_RECOVERY_DB_PER_S = 80.0


class LimiterCurve:
    """Gain per sample, 0..1, that keeps every block's peak at or under a ceiling."""

    def __init__(self, peaks: np.ndarray, *, ceiling: float, block: int, rate: int, lead: int = 0) -> None:
        """peaks: the largest |sound| of each block of `block` samples. lead: so many of its blocks lie before sample 0."""
        from scipy.ndimage import minimum_filter1d, uniform_filter1d

        # in place: an hour has ten million blocks
        gain = np.log10(np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)).astype(np.float64))
        gain *= 20
        # recovery: the lowest of all earlier needs, each rising by the recovery rate since
        rise = np.arange(len(gain)) * (_RECOVERY_DB_PER_S * block / rate)
        gain -= rise
        np.minimum.accumulate(gain, out=gain)
        gain += rise
        del rise
        np.minimum(gain, 0.0, out=gain)
        gain /= 20
        np.power(10, gain, out=gain)
        half = max(round(_LOOK_AHEAD_S * rate / block), 1)
        # a mean over 2 half + 1 blocks of minima over 2 half + 3 blocks is nowhere above the need, even between block centres
        gain = minimum_filter1d(gain, 2 * half + 3, mode="nearest")
        self._smooth = uniform_filter1d(gain, 2 * half + 1, mode="nearest")
        self._block, self._lead = block, lead * block

    def read(self, first: int, last: int) -> np.ndarray:
        """float32 (last - first,)."""
        first, last = first + self._lead, last + self._lead
        low, high = max(first // self._block - 2, 0), last // self._block + 3
        centres = (np.arange(low, min(high, len(self._smooth))) + 0.5) * self._block
        return np.interp(np.arange(first, last), centres, self._smooth[low:high]).astype(np.float32)
