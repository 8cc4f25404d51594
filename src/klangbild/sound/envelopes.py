"""Envelopes and oscillators of a voice, over samples or over blocks of samples.

The volume envelope rises linearly in amplitude and falls linearly in dB, 96 dB in its decay or release time; its release starts where
it stands and takes the decay's place. The modulation envelope rises along a curve and falls linearly. All as FluidSynth has them.

No exponential of whole arrays is taken: numpy's differ in the last bit between processors.

Reference: SoundFont Technical Specification 2.04, 8.1.2 and 9.1.
"""

from __future__ import annotations

import math

import numpy as np

from klangbild.sound.soundfont import Envelope, Swing

WHOLE_DB = 96.0
"""How far an envelope falls in its decay or release time."""
BLOCK = 64
"""Samples for which pitch, cutoff and tremolo are worked out once."""
_LEAST_RELEASE_S = 0.0156


def held_level(envelope: Envelope, n: int, rate: int) -> np.ndarray:
    """Delay, attack, hold, decay and sustain of a key that is held: float32 (n,), 0..1."""
    level = np.ones(n, np.float32)
    at = round(envelope.delay_s * rate)
    level[:at] = 0.0
    # 1 ms, so that no voice starts with a click
    rise = max(round(envelope.attack_s * rate), rate // 1000)
    level[at : at + rise] = np.linspace(0, 1, rise, endpoint=False, dtype=np.float32)[: max(n - at, 0)]
    at += rise + round(envelope.hold_s * rate)
    if at < n and envelope.fall > 0:
        slope = WHOLE_DB / (max(envelope.decay_s, 0.001) * rate)
        length = min(math.ceil(envelope.fall * WHOLE_DB / slope), n - at)
        level[at : at + length] = decay(length, slope)
        level[at + length :] = 10 ** (-envelope.fall * WHOLE_DB / 20)
    return level


def release_slope(release_s: float, rate: int) -> float:
    """dB per sample of a release."""
    return WHOLE_DB / (max(release_s, _LEAST_RELEASE_S) * rate)


def decay(n: int, db_per_sample: float) -> np.ndarray:
    """A fall that is linear in dB: float32 (n,) from 1 on."""
    # a product of equal factors, one after the other: the same on every processor
    factors = np.full(n, 10 ** (-db_per_sample / 20))
    factors[:1] = 1.0
    return np.multiply.accumulate(factors, out=factors).astype(np.float32)


def swept(envelope: Envelope, time: np.ndarray, stop_s: float | None = None) -> np.ndarray:
    """The modulation envelope at times in seconds since the attack (n,): 0..1. stop_s: when the key is let go."""
    if stop_s is not None and (late := time > stop_s).any():
        top = float(swept(envelope, np.array([stop_s]))[0])
        fall = np.maximum(top - (time - stop_s) / max(envelope.release_s, 1e-3), 0)
        return np.where(late, fall, swept(envelope, time))
    time = time - envelope.delay_s
    attack, top_s = max(envelope.attack_s, 1e-4), envelope.attack_s + envelope.hold_s
    falling = np.maximum(1 - np.maximum(time - top_s, 0) / max(envelope.decay_s, 1e-4), 1 - envelope.fall)
    level = np.where(time < 0, 0.0, falling)
    if envelope.attack_s > 0.002:
        for index in np.flatnonzero((time >= 0) & (time < attack)).tolist():
            level[index] = max(1 + 400 / 960 * math.log10(max(float(time[index]) / attack, 1e-6)), 0.0)
    return level


def swing(oscillator: Swing, time: np.ndarray) -> np.ndarray:
    """A triangle at times in seconds since the attack (n,): -1..1, from 0 up."""
    turns = np.maximum(time - oscillator.delay_s, 0) * oscillator.hz + 0.25
    return 1 - np.abs(4 * (turns - np.floor(turns)) - 2)


def factors(values: np.ndarray, base: float, per: float) -> np.ndarray:
    """base ** (value / per) of each: float64 (n,)."""
    return np.array([base ** (value / per) for value in values.tolist()])
