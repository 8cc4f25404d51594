"""A short room: convolution with a decaying noise that is made here, the same on every machine.

The room's answer has a few early echoes, then noise whose bass lives longer than its treble, different for left and
right so that it opens the stereo picture; it is band-limited, so that neither rumble nor hiss builds up.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

_PRE_DELAY_S = 0.012
# (Hz from, Hz to, seconds to fall by 60 dB)
_BANDS = ((180.0, 600.0, 1.15), (600.0, 2400.0, 0.95), (2400.0, 7500.0, 0.6))
_EARLY = ((0.0, 0.5), (0.0071, -0.34), (0.0113, 0.3), (0.0173, -0.22), (0.0237, 0.18))
ROOM_SECONDS = 1.2


@lru_cache(maxsize=4)
def room(rate: int) -> np.ndarray:
    """Impulse response of the room: float32 (2, samples), each channel of energy 1."""
    n = round(ROOM_SECONDS * rate)
    time = np.arange(n) / rate
    out = np.zeros((2, n))
    hz = np.fft.rfftfreq(2 * n, 1 / rate)
    for channel in range(2):
        # raw bits of a fixed generator: their stream never changes between versions of numpy, unlike its distributions
        bits = np.random.PCG64(1770 + channel).random_raw(2 * n)
        noise = (bits >> np.uint64(11)).astype(np.float64) / 2**52 - 1.0
        spectrum = np.fft.rfft(noise)
        for low, high, seconds in _BANDS:
            width = (hz / low) ** 4 / (1 + (hz / low) ** 4) / (1 + (hz / high) ** 4)
            out[channel] += np.fft.irfft(spectrum * width)[:n] * 10 ** (-3 * time / seconds)
        out[channel] *= np.clip(time / 0.02, 0, 1)  # noise grows in behind the early echoes
        scale = math.sqrt((out[channel] ** 2).sum())
        out[channel] *= 0.85 / scale
        for index, (delay, gain) in enumerate(_EARLY):
            at = round((_PRE_DELAY_S + delay * (1 + 0.07 * channel)) * rate)
            out[channel, at] += gain * (0.8 if (index + channel) % 2 else 1.0)
        fade = n // 5
        out[channel, -fade:] *= np.linspace(1, 0, fade) ** 2
        out[channel] /= math.sqrt((out[channel] ** 2).sum())
    return out.astype(np.float32)


class Room:
    """The room as sound goes through it, block after block: overlap-add, so that length costs no memory."""

    def __init__(self, rate: int) -> None:
        from scipy import fft

        response = room(rate)
        self._taps = response.shape[1]
        self._size = 1 << (2 * self._taps - 1).bit_length()
        self.hop = self._size - self._taps + 1
        """Blocks are of a multiple of this many frames, all but the last."""
        self._spectra = fft.rfft(response, self._size)
        self._carry = np.zeros((2, self._taps), np.float32)

    def answer(self, send: np.ndarray) -> np.ndarray:
        """The next mono block (n,) -> what the room adds while it sounds: float32 (2, n)."""
        from scipy import fft

        n = len(send)
        out = np.zeros((2, n + self._taps), np.float32)
        out[:, : self._taps] = self._carry
        for first in range(0, n, self.hop):
            part = send[first : first + self.hop]
            if not part.any():
                continue
            wet = fft.irfft(fft.rfft(part, self._size) * self._spectra, self._size)
            last = min(first + len(part) + self._taps - 1, n + self._taps)
            out[:, first:last] += wet[:, : last - first]
        self._carry = out[:, n:].copy()
        return out[:, :n]


def reverberate(send: np.ndarray, rate: int) -> np.ndarray:
    """Mono sound (n,) -> what the room adds: float32 (2, n)."""
    return Room(rate).answer(send)
