"""What Art2Mus and MeLFusion train towards: ten seconds of a track, prepared exactly as published.

Art2Mus: resample to 16 kHz, first channel, mean removed, peak 0.5, seconds 10 to 20 of the file, zeros up to 163,840
samples (10.24 s), peak 0.5 again, log-mel, first 1024 of 1025 frames. MeLFusion takes the first ten seconds instead.

A file that ends before the segment starts would become 0/0 and then a constant spectrogram in the original; it is
refused here.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from klangbild.errors import InputError
from klangbild.models.published.log_mel import HOP, RATE, log_mel
from klangbild.models.published.resample import resample

SEGMENT_S = 10.0
N_FRAMES = 1024
PEAK = 0.5


def prepare_waveform(
    samples: np.ndarray, rate: int, *, start_s: float = 10.0, n_frames: int = N_FRAMES, name: str = "audio"
) -> Tensor:
    """The waveform that is trained on, float32 (n_frames * 160,), peak 0.5.

    Args:
        samples: (channels, n) or (n,), full scale -1..1.
        rate: of `samples`, Hz.
        start_s: where the ten seconds start: 10 for Art2Mus, 0 for MeLFusion.
        n_frames: mel frames of the result; 1024 is 10.24 s.
        name: named in errors.

    Raises:
        InputError: the file ends before `start_s`, or is silent there.
    """
    first = np.atleast_2d(samples)[:1].astype(np.float32)
    # The original resamples all channels, then keeps the first: the same, channel by channel.
    wave = resample(torch.from_numpy(np.ascontiguousarray(first)), rate, RATE)[0]
    wave = _normalize(wave, centered=True)
    begin = round(start_s * RATE)
    segment = wave[begin : begin + min(round(SEGMENT_S * RATE), n_frames * HOP)]
    if segment.numel() == 0 or not torch.any(segment != 0):
        raise InputError(
            f"{name}: no sound after second {start_s:g} ({wave.numel() / RATE:.1f} s long); leave it out or start earlier"
        )
    padded = torch.zeros(n_frames * HOP)
    padded[: segment.numel()] = segment
    return _normalize(padded, centered=False)


def target_mel(waveform: Tensor, *, n_frames: int = N_FRAMES) -> Tensor:
    """Prepared waveform(s) (n,) or (batch, n) -> log-mel (batch, n_frames, 64)."""
    return log_mel(torch.atleast_2d(waveform))[:, :n_frames]


def _normalize(wave: Tensor, *, centered: bool) -> Tensor:
    """Peak 0.5; with `centered` the mean goes first. Silence stays silence."""
    if wave.numel() == 0:
        return wave
    if centered:
        wave = wave - wave.mean()
    peak = wave.abs().max()
    return wave if peak == 0 else wave / (peak + (1e-8 if centered else 0.0)) * PEAK
