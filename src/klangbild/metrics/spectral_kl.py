"""Art2Mus's "KL-Div": the divergence between the average quietness profiles of two sounds.

Not a classifier's divergence, whatever its name says: for each sound, |STFT|^2 is turned into decibels below its maximum
(at most 0), summed over time for each frequency bin, divided by the total; then sum p log(p / q).

Conventions
    Sounds are mono float arrays at their own rates (Hz): bins are compared by index even when rates differ, as coded.
    Lower is better; about 2e-3 to 5e-3 for anything, so differences in the third digit mean nothing. Its decibels take
    power for amplitude (20 log10 of |STFT|^2), so the floor of -80 dB is really -40 dB. Report it only beside others.

Metrics
    spectral_kl         as coded by Art2Mus (arXiv 2410.04906, section 4): first the real track, then the generated one.
    quietness_profile   the distribution that is compared, (1025,).
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.errors import InputError

N_FFT = 2048
HOP = 512
FLOOR_DB = 80.0
MIN_VALUE = 1e-5


def validate(samples: np.ndarray) -> None:
    """Samples (n,) are mono, finite, not empty, not silent.

    Raises:
        InputError: otherwise.
    """
    if samples.ndim != 1 or samples.size == 0 or not np.isfinite(samples).all():
        raise InputError(f"sound of shape {samples.shape}; need finite mono samples (n,)")
    if not np.any(samples):
        raise InputError("the sound is silent, so it has no profile; leave it out")


def quietness_profile(samples: np.ndarray) -> np.ndarray:
    """Share of each frequency bin in all the decibels below the maximum, float64 (1025,), sums to 1."""
    validate(samples)
    wave = np.pad(samples.astype(np.float32), N_FFT // 2)  # zeros at both ends, frames centred on their time
    frames = np.lib.stride_tricks.sliding_window_view(wave, N_FFT)[::HOP]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)).astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1).astype(np.complex64)) ** 2  # (frames, bins)
    decibels = 20 * np.log10(np.maximum(power, MIN_VALUE)) - 20 * np.log10(max(float(power.max()), MIN_VALUE))
    decibels = np.maximum(decibels, decibels.max() - FLOOR_DB).astype(np.float64)
    by_bin = decibels.sum(axis=0)
    return by_bin / by_bin.sum()


def spectral_kl(reference: np.ndarray, generated: np.ndarray) -> float:
    """sum p log(p / q) of mono samples (n,) and (m,); p: the reference's profile, q: the generated one's; >= 0."""
    p, q = quietness_profile(reference), quietness_profile(generated)
    heard = p > 0
    return float((p[heard] * np.log(p[heard] / q[heard])).sum()) + 0.0


def evaluate(reference: np.ndarray, generated: np.ndarray) -> OrderedDict[str, float]:
    """All scores of this file by name, of mono samples (n,) and (m,)."""
    return OrderedDict(spectral_kl=spectral_kl(reference, generated))
