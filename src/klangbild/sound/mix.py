"""Stems to a finished mix: a short room, the sum, silence trimmed at both ends, loudness set and peaks held.

Stems get exactly what the mix gets (trim, gain, limiter movement, fade) and their own share of the room, so that they
sum to the mix.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from klangbild.sound.audio import Audio
from klangbild.sound.loudness import Levelling, Loudness, normalize
from klangbild.sound.reverb import ROOM_SECONDS, reverberate

# share of each family that goes to the room: low instruments stay dry, sustained ones carry more of it
_SENDS = {"drums": 0.5, "bass": 0.15, "organ": 0.7, "guitar": 0.8, "piano": 0.8}
_SILENT_BELOW_PEAK_DB = 66.0
_LEAD_IN_S = 0.02
_LEAD_OUT_S = 0.05
_FADE_S = 0.05
_LAST_FADE_S = 1.0


@dataclass(frozen=True)
class Mix:
    """A finished mix. `start_s`: how much silence was cut off the front (beat 0 lies at -start_s of `audio`)."""

    audio: Audio
    loudness: Loudness
    """Measured on `audio`."""
    levelling: Levelling
    start_s: float
    _dry: tuple[tuple[str, Audio], ...] = field(repr=False)
    _reverb: float = field(repr=False)
    _kept: tuple[int, int] = field(repr=False)
    _fade: int = field(repr=False)

    @cached_property
    def stems(self) -> tuple[tuple[str, Audio], ...]:
        """(family, audio) of each stem with its share of the room; their sum is `audio`. Worked out when asked for."""
        finished = []
        for name, stem in self._dry:
            wet = _with_room([(name, stem)], self._reverb)
            finished.append((name, self.levelling.apply(_trimmed(wet, self._kept, self._fade))))
        return tuple(finished)


def mix(
    stems: list[tuple[str, Audio]],
    *,
    target_lufs: float | None = -14.0,
    ceiling_dbtp: float = -1.0,
    reverb: float = 0.16,
    trim: bool = True,
    length_s: float | None = None,
) -> Mix:
    """The finished mix of stems (family, stereo audio) that start together and have one length and rate.

    Args:
        target_lufs: integrated loudness, None to leave the level alone (peaks are held all the same).
        ceiling_dbtp: true peak that is never passed; it wins over the loudness.
        reverb: 0..1, level of the room against the dry sound.
        trim: cut silence off both ends; False keeps the length.
        length_s: instead, keep just so much from the front, the last second of it (a tenth, if that is less) faded.
    """
    if not stems:
        raise ValueError("there is nothing to mix: no stems")
    whole = _with_room(stems, reverb)
    if length_s is None:
        kept, fade_s = _sounding(whole) if trim else (0, whole.samples.shape[1]), _FADE_S
    else:
        kept, fade_s = (0, round(length_s * whole.rate)), min(_LAST_FADE_S, length_s / 10)
    fade = round(fade_s * whole.rate)
    audio, levelling = normalize(_trimmed(whole, kept, fade), target_lufs=target_lufs, ceiling_dbtp=ceiling_dbtp)
    return Mix(
        audio=audio,
        loudness=levelling.loudness,
        levelling=levelling,
        start_s=kept[0] / audio.rate,
        _dry=tuple(stems),
        _reverb=reverb,
        _kept=kept,
        _fade=fade,
    )


def _with_room(stems: list[tuple[str, Audio]], reverb: float) -> Audio:
    """Sum of the stems and of what the room answers, with space for its tail at the end."""
    rate = stems[0][1].rate
    n = max(stem.samples.shape[1] for _, stem in stems)
    longer = n + (round(ROOM_SECONDS * rate) if reverb > 0 else 0)
    out = np.zeros((2, longer), np.float32)
    send = np.zeros(longer, np.float32)
    for name, stem in stems:
        samples = stem.samples
        out[:, : samples.shape[1]] += samples
        if reverb > 0:
            share = np.float32(_SENDS.get(name, 1.0) * reverb)
            send[: samples.shape[1]] += (samples[0] + samples[1]) * share
    if reverb > 0:
        out += reverberate(send, rate)
    return Audio(out, rate)


def _sounding(audio: Audio) -> tuple[int, int]:
    """First and last sample to keep: from just before the first sound to just after the last tail."""
    level = np.maximum(np.abs(audio.samples[0]), np.abs(audio.samples[1]))
    peak = float(level.max()) if level.size else 0.0
    if peak == 0.0:
        return 0, audio.samples.shape[1]
    loud = level > peak * 10 ** (-_SILENT_BELOW_PEAK_DB / 20)
    first, last = int(loud.argmax()), len(loud) - int(loud[::-1].argmax())
    return max(first - round(_LEAD_IN_S * audio.rate), 0), min(last + round(_LEAD_OUT_S * audio.rate), len(loud))


def _trimmed(audio: Audio, kept: tuple[int, int], fade: int) -> Audio:
    """The kept part, lengthened with silence if need be, its last `fade` samples faded to nothing."""
    samples = np.zeros((2, kept[1] - kept[0]), np.float32)
    sounds = audio.samples[:, kept[0] : kept[1]]
    samples[:, : sounds.shape[1]] = sounds
    fade = min(fade, samples.shape[1])
    if fade:
        samples[:, -fade:] *= np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2
    return Audio(samples, audio.rate)
