"""From the vocoder's waveform to a piece that ends: the length asked for, level with headroom, a faded end."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from klangbild.errors import KlangbildError
from klangbild.models.published.codec import LatentAudio
from klangbild.models.published.placement import Placement
from klangbild.sound.audio import Audio

FADE_S = 1.0
PEAK = 0.89  # -1 dBFS; loudness is set later, by the same step for every engine


def sounds_of(latents: Tensor, sound: LatentAudio, placement: Placement, *, seconds: float) -> list[Audio]:
    """Latents of several candidates (count, channels, frames, bands) -> the sound of each, decoded alone: memory for one."""
    with placement.at_work(sound.vae, sound.vocoder):
        waveforms = [sound.decode(latent[None])[0].numpy() for latent in latents]
    return [finish(waveform, sound.rate, seconds=seconds) for waveform in waveforms]


def finish(waveform: np.ndarray, rate: int, *, seconds: float, fade_s: float = FADE_S) -> Audio:
    """Waveform (n,) or (channels, n) -> `Audio` of exactly `seconds`, faded out over its last `fade_s` (at most a tenth of it).

    Raises:
        KlangbildError: the waveform has numbers that are not finite.
    """
    if not np.isfinite(waveform).all():
        raise KlangbildError("the vocoder produced numbers that are not finite; use float32 or bfloat16")
    n = round(seconds * rate)
    channels = np.atleast_2d(waveform)
    samples = np.zeros((len(channels), n), dtype=np.float32)
    samples[:, : min(n, channels.shape[1])] = channels[:, :n]
    peak = float(np.abs(samples).max(initial=0.0))
    if peak > PEAK:
        samples *= PEAK / peak
    n_fade = min(round(fade_s * rate), n // 10)
    if n_fade:
        samples[:, n - n_fade :] *= np.cos(np.linspace(0, np.pi / 2, n_fade, dtype=np.float32)) ** 2
    return Audio(samples, rate)
