"""Change of sampling rate by a windowed sinc filter, as the published systems prepared their audio.

A Hann-windowed sinc with six zero crossings on each side and its cutoff at 0.99 of the lower Nyquist frequency, applied
as a polyphase filter: for a ratio new/old in lowest terms there are `new` filters, each moved by a fraction of a sample.
Matching this filter matters: log-mel values in quiet bins change by several units under another one.

Source: J. O. Smith, "Digital Audio Resampling", https://ccrma.stanford.edu/~jos/resample/ ; the numbers 6 and 0.99 are
those of torchaudio's default, which Art2Mus and ImageBind used.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

ZERO_CROSSINGS = 6
ROLLOFF = 0.99


def resample(samples: Tensor, rate: int, new_rate: int) -> Tensor:
    """Samples (..., n) at `rate` Hz -> (..., ceil(n * new_rate / rate)) at `new_rate` Hz, float32."""
    if rate == new_rate:
        return samples
    shared = math.gcd(rate, new_rate)
    old, new = rate // shared, new_rate // shared
    kernel, width = _polyphase_kernel(old, new)
    lead = samples.shape[:-1]
    n = samples.shape[-1]
    flat = functional.pad(samples.reshape(-1, 1, n), (width, width + old))
    phases = functional.conv1d(flat, kernel.to(samples), stride=old)  # (signals, new, n // old + 1)
    out = phases.transpose(1, 2).reshape(flat.shape[0], -1)[:, : math.ceil(n * new / old)]
    return out.reshape(*lead, -1)


def _polyphase_kernel(old: int, new: int) -> tuple[Tensor, int]:
    """The `new` filters (new, 1, 2 * width + old) and their half width in old samples."""
    cutoff = min(old, new) * ROLLOFF  # in units of the shared rate, twice the cutoff frequency
    width = math.ceil(ZERO_CROSSINGS * old / cutoff)
    tap = torch.arange(-width, width + old, dtype=torch.float64) / old
    phase = -torch.arange(new, dtype=torch.float64) / new
    position = ((phase[:, None] + tap[None, :]) * cutoff).clamp(-ZERO_CROSSINGS, ZERO_CROSSINGS)
    window = torch.cos(position * math.pi / ZERO_CROSSINGS / 2) ** 2
    kernel = torch.sinc(position) * window * (cutoff / old)
    return kernel[:, None, :], width
