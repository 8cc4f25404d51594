"""The mel spectrogram that AudioLDM, AudioLDM 2 and Tango see: 64 bands, 10 ms frames, natural log, 16 kHz.

Short-time Fourier transform of 1024 samples every 160, periodic Hann window, reflected edges, magnitude (not power);
64 triangles on Slaney's mel scale from 0 to 8000 Hz, each of unit area; log with a floor of 1e-5. One second of music
is 100 frames. The published models' VAEs and vocoders take and give (batch, 1, frames, 64) of these.

Sources: Tacotron 2, arXiv 1712.05884, section 2.2; M. Slaney, "Auditory Toolbox", Technical Report 1998-010.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

RATE = 16_000
WINDOW = 1024
HOP = 160
N_BANDS = 64
FLOOR = 1e-5


def log_mel(waveforms: Tensor) -> Tensor:
    """Waveforms (batch, n) at 16 kHz in [-1, 1] -> natural-log mel (batch, n // 160 + 1, 64), float32."""
    edge = WINDOW // 2
    padded = functional.pad(waveforms[:, None, :].clamp(-1, 1), (edge, edge), mode="reflect")[:, 0]
    spectrum = torch.stft(
        padded, WINDOW, hop_length=HOP, window=torch.hann_window(WINDOW).to(padded), center=False, return_complex=True
    ).abs()  # (batch, 513, frames)
    bank = torch.from_numpy(slaney_mel_bank(RATE, WINDOW, N_BANDS, low_hz=0.0, high_hz=RATE / 2)).to(padded)
    return torch.log((bank @ spectrum).clamp(min=FLOOR)).transpose(1, 2)


def slaney_mel_bank(rate: int, n_fft: int, n_bands: int, *, low_hz: float, high_hz: float) -> np.ndarray:
    """Triangular bands of unit area, evenly spaced on Slaney's mel scale; float32 (n_bands, n_fft // 2 + 1)."""
    edges = _mel_to_hz(np.linspace(_hz_to_mel(low_hz), _hz_to_mel(high_hz), n_bands + 2))
    bins = np.linspace(0, rate / 2, n_fft // 2 + 1)
    rising = (bins[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


# Slaney's scale: linear below 1 kHz (200/3 Hz a mel), logarithmic above (27 mels for a factor of 6.4).
_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    return hz / _LINEAR_HZ if hz < _BREAK_HZ else _BREAK_MEL + np.log(hz / _BREAK_HZ) / _LOG_STEP


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < _BREAK_MEL, mel * _LINEAR_HZ, _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))
