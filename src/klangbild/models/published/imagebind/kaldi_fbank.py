"""Kaldi's log filter bank, the way speech toolkits have computed it for twenty years, and ImageBind hears.

Frames of 25 ms every 10 ms, no padding at the edges; per frame: mean removed, pre-emphasis 0.97 (the first sample against
itself), symmetric Hann window, FFT of 512, power, triangles evenly spaced in mel = 1127 ln(1 + f / 700) and straight in
mel, natural log with float32's epsilon as floor.

Source: Kaldi, `feature-fbank`, https://kaldi-asr.org/doc/feat.html
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

FRAME_S = 0.025
HOP_S = 0.010
PRE_EMPHASIS = 0.97
LOW_HZ = 20.0


def log_filter_bank(wave: Tensor, rate: int, *, n_bands: int = 128) -> Tensor:
    """Waveform (n,) -> (frames, n_bands); frames = 1 + (n - frame) // hop, or 0 when there is not one whole frame."""
    frame, hop = int(rate * FRAME_S), int(rate * HOP_S)
    if wave.numel() < frame:
        return wave.new_zeros(0, n_bands)
    frames = wave.unfold(0, frame, hop)  # (frames, samples)
    frames = frames - frames.mean(dim=1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], dim=1)
    frames = (frames - PRE_EMPHASIS * before) * torch.hann_window(frame, periodic=False).to(wave)
    n_fft = 2 ** math.ceil(math.log2(frame))
    power = torch.fft.rfft(frames, n=n_fft).abs().pow(2)  # (frames, n_fft / 2 + 1)
    bank = torch.from_numpy(_triangles(rate, n_fft, n_bands)).to(wave)
    return (power @ bank.T).clamp(min=torch.finfo(torch.float32).eps).log()


def _triangles(rate: int, n_fft: int, n_bands: int) -> np.ndarray:
    """float32 (n_bands, n_fft // 2 + 1); the Nyquist bin has no weight."""
    low, high = _mel(np.array(LOW_HZ)), _mel(np.array(rate / 2))
    edges = np.linspace(low, high, n_bands + 2)
    left, center, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = _mel(np.arange(n_fft // 2) * rate / n_fft)[None, :]
    bank = np.maximum(0, np.minimum((bins - left) / (center - left), (right - bins) / (right - center)))
    return np.pad(bank, ((0, 0), (0, 1))).astype(np.float32)


def _mel(hz: np.ndarray) -> np.ndarray:
    return 1127.0 * np.log(1.0 + hz / 700.0)
