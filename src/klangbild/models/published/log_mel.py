"""The mel spectrogram that AudioLDM, AudioLDM 2 and Tango see: 64 bands, 10 ms frames, natural log, 16 kHz.

Short-time Fourier transform of 1024 samples every 160, periodic Hann window, reflected edges, magnitude (not power);
64 triangles on Slaney's mel scale from 0 to 8000 Hz, each of unit area; log with a floor of 1e-5. One second of music
is 100 frames. The published models' VAEs and vocoders take and give (batch, 1, frames, 64) of these.

Sources: Tacotron 2, arXiv 1712.05884, section 2.2; M. Slaney, "Auditory Toolbox", Technical Report 1998-010.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from klangbild.sound.mel_bank import slaney_mel_bank

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
