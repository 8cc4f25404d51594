"""How loud sound is, and making it as loud as asked: integrated loudness (LUFS) and true peak (dBTP).

Reference: ITU-R BS.1770-4: Annex 1 (K-weighting, gating in blocks of 400 ms), Annex 2 (true peak, which asks for 4x
oversampling or more: here 8x with a 24-tap filter, so that peaks near Nyquist are not under-read).
The K-weighting for any rate follows Brecht De Man, "Evaluation of implementations of the EBU R128 loudness measurement"
(AES 145, 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from klangbild.sound.audio import Audio, LongAudio, Sound, held, spans
from klangbild.sound.limiter import LimiterCurve

# the first answer of a gain search is exact without a limiter; with one, each round halves the miss or better
_SEARCH_ROUNDS = 4
_CORRECTIONS = 3
_NEAR_DB = 0.1
_MAX_REDUCTION_DB = 12.0
# the curve moves peaks between samples by this much at most; 24-bit rounding adds 1e-6 dB
_MARGIN_DB = 0.05
_BLOCK = 16
_HALF_TAPS = 12
_OVERSAMPLING = 8
_SPAN = 1 << 20
_LOOP_MARGIN = _BLOCK * 2048
"""Samples of a loop that its limiter hears before its start and after its end: longer than it looks ahead and recovers."""


@dataclass(frozen=True)
class Loudness:
    """Integrated loudness in LUFS and true peak in dBTP; both None for silence."""

    lufs: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True)
class Levelling:
    """What `normalize` did: a constant gain, then a limiter. `apply` does the same to a part of the sound (a stem)."""

    gain_db: float
    limiter_reduction_db: float
    """Largest momentary reduction, >= 0; 0 when the limiter had nothing to do."""
    curve: LimiterCurve | None
    """The limiter's gain, or None."""
    loudness: Loudness
    """Measured on the result."""

    def apply(self, sound: Sound) -> Audio | LongAudio:
        """The same gain and the same limiter movement on other sound (channels, n) of the same length."""
        return held(_Levelled(sound, self.gain_db, self.curve))


class _Levelled:
    """Sound with a gain and a limiter's movement, worked out where it is read."""

    def __init__(self, sound: Sound, gain_db: float, curve: LimiterCurve | None) -> None:
        self.frames, self.rate = sound.frames, sound.rate
        self._sound, self._gain, self._curve = sound, np.float32(10 ** (gain_db / 20)), curve

    def read(self, first: int, last: int) -> np.ndarray:
        samples = self._sound.read(first, last) * self._gain
        if self._curve is not None:
            samples *= self._curve.read(first, last)
        return samples


class _Around:
    """Sound that repeats, from `margin` samples before its start to `margin` after its end."""

    def __init__(self, sound: Sound, margin: int) -> None:
        self.frames, self.rate = sound.frames + 2 * margin, sound.rate
        self._sound, self._margin = sound, margin

    def read(self, first: int, last: int) -> np.ndarray:
        n, at, parts = self._sound.frames, first - self._margin, []
        while at < last - self._margin:
            place = at % n
            size = min(n - place, last - self._margin - at)
            parts.append(self._sound.read(place, place + size))
            at += size
        return np.concatenate(parts, axis=1) if parts else self._sound.read(0, 0)


def measure_loudness(sound: Sound) -> Loudness:
    """Loudness of all of it. Sound shorter than one 400 ms block is measured as one block of its own length."""
    peak = float(_true_peaks(sound).max()) if sound.frames else 0.0
    if peak == 0.0:
        return Loudness(None, None)
    return Loudness(_integrated(_block_power(sound)), 20 * math.log10(peak))


def normalize(
    sound: Sound, *, target_lufs: float | None = -14.0, ceiling_dbtp: float = -1.0, loops: bool = False
) -> tuple[Audio | LongAudio, Levelling]:
    """Sound (channels, n) at `target_lufs` (None: its own level, peaks held) with no true peak above `ceiling_dbtp`.

    Peaks are held by a look-ahead limiter, both channels together. When target and ceiling cannot both be met with at
    most 12 dB of limiting, the ceiling wins and the sound stays softer. Silence comes back as it is. loops: its end is followed by its
    start, also for the limiter and the peaks between two samples.
    """
    margin = _LOOP_MARGIN if loops else 0
    power = _block_power(sound)
    lufs = _integrated(power)
    if lufs is None:
        return held(sound), Levelling(0.0, 0.0, None, measure_loudness(sound))
    peaks = _true_peaks(_Around(sound, margin) if loops else sound)
    ceiling = 10 ** ((ceiling_dbtp - _MARGIN_DB) / 20)
    headroom_db = 20 * math.log10(ceiling / float(peaks.max()))
    gain_db, curve = (min(0.0, headroom_db) if target_lufs is None else target_lufs - lufs), None
    if target_lufs is not None and gain_db > headroom_db:
        aim = target_lufs
        for _ in range(_CORRECTIONS):
            gain_db, curve = _limited(
                sound, peaks, power, target_lufs=aim, gain_db=gain_db, ceiling=ceiling, lead=margin // _BLOCK
            )
            reached = _integrated(_block_power(_Levelled(sound, gain_db, curve)))
            missed_db = 0.0 if reached is None else target_lufs - reached
            if abs(missed_db) < _NEAR_DB or (missed_db > 0 and gain_db >= headroom_db + _MAX_REDUCTION_DB - 1e-9):
                break
            aim += missed_db  # what the limiter takes away was estimated
    del peaks
    out = held(_Levelled(sound, gain_db, curve))
    peak_db = 20 * math.log10(float(_true_peaks(_Around(out, margin) if loops else out).max()))
    if (over_db := peak_db - ceiling_dbtp + _MARGIN_DB / 2) > 0:
        # a limiter that moves between two samples may lift what lies between them by a hair
        gain_db, peak_db = gain_db - over_db, peak_db - over_db
        out = held(_Levelled(sound, gain_db, curve))
    # a constant gain moves every block alike; only the limiter needs a second measurement
    power = power * 10 ** (gain_db / 10) if curve is None else _block_power(out)
    lowest = 1.0 if curve is None else min(float(curve.read(*span).min()) for span in spans(sound.frames, _SPAN))
    reduction_db = 0.0 if curve is None else -20 * math.log10(max(lowest, 1e-6))
    return out, Levelling(gain_db, reduction_db, curve, Loudness(_integrated(power), peak_db))


def true_peaks(samples: np.ndarray) -> np.ndarray:
    """Largest |sound| of samples (channels, n) between and on the samples, all channels together: float32 (blocks,),
    one for each 16 samples begun."""
    return _true_peaks(Audio(samples, 0))


def _true_peaks(sound: Sound) -> np.ndarray:
    kernel = _interpolator()
    n = sound.frames
    n_blocks = -(-n // _BLOCK)
    peaks = np.zeros(n_blocks, np.float32)
    span = _BLOCK + 2 * _HALF_TAPS
    step = 4096
    for first in range(0, n_blocks, step):
        count = min(step, n_blocks - first)
        low, high = first * _BLOCK - _HALF_TAPS, (first + count) * _BLOCK + _HALF_TAPS
        source = sound.read(max(low, 0), min(high, n))
        here = peaks[first : first + count]
        for channel in source:
            part = np.zeros(high - low, np.float32)
            part[max(-low, 0) : max(-low, 0) + len(channel)] = channel
            frames = np.lib.stride_tricks.sliding_window_view(part, span)[::_BLOCK]
            between = kernel @ frames.T  # (7 * 16, count)
            np.maximum(here, np.abs(between, out=between).max(axis=0), out=here)
            own = np.abs(part[_HALF_TAPS : _HALF_TAPS + count * _BLOCK]).reshape(count, _BLOCK)
            np.maximum(here, own.max(axis=1), out=here)
    return peaks


def _limited(
    sound: Sound, peaks: np.ndarray, power: np.ndarray, *, target_lufs: float, gain_db: float, ceiling: float, lead: int
) -> tuple[float, LimiterCurve]:
    """Gain in dB and limiter curve that reach the target together, the limiter taking at most 12 dB."""
    most_db = 20 * math.log10(ceiling / float(peaks.max())) + _MAX_REDUCTION_DB
    gain_db = min(gain_db, most_db)
    # how loud it will be is estimated from the blocks' power and the limiter's mean gain in each block
    for _ in range(_SEARCH_ROUNDS):
        gain = 10 ** (gain_db / 20)
        curve = LimiterCurve(peaks * np.float32(gain), ceiling=ceiling, block=_BLOCK, rate=sound.rate, lead=lead)
        reached = _integrated(power * gain**2 * _mean_square_per_block(curve, sound, len(power)))
        short_db = target_lufs - (reached if reached is not None else target_lufs)
        if abs(short_db) < 0.05 or (gain_db >= most_db and short_db > 0):
            break
        gain_db = min(gain_db + short_db, most_db)
    else:
        gain = 10 ** (gain_db / 20)
        curve = LimiterCurve(peaks * np.float32(gain), ceiling=ceiling, block=_BLOCK, rate=sound.rate, lead=lead)
    return gain_db, curve


def _block_power(sound: Sound) -> np.ndarray:
    """K-weighted power of each 400 ms block, every 100 ms, channels summed: float64 (blocks,)."""
    n = sound.frames
    hop = round(0.1 * sound.rate)
    if n == 0:
        return np.zeros(0)
    if n < 4 * hop:
        weighted = _k_filter(sound.read(0, n), sound.rate, None)[0]
        return np.array([float((weighted**2).mean(axis=1).sum())])
    hops = n // hop
    squares = np.empty(hops)
    state = None
    for first, last in spans(hops * hop, 300 * hop):  # 30 s at a time, so that length costs no memory
        weighted, state = _k_filter(sound.read(first, last), sound.rate, state)
        by_hop = weighted.reshape(weighted.shape[0], -1, hop)
        squares[first // hop : first // hop + by_hop.shape[1]] = np.einsum("chn,chn->h", by_hop, by_hop)
    totals = np.concatenate([[0.0], np.cumsum(squares)])
    return (totals[4:] - totals[:-4]) / (4 * hop)


def _mean_square_per_block(curve: LimiterCurve, sound: Sound, n_blocks: int) -> np.ndarray:
    """Mean of the squared limiter gain over the same 400 ms blocks: (n_blocks,)."""
    hop = round(0.1 * sound.rate)
    if sound.frames < 4 * hop:
        return np.array([float(np.mean(curve.read(0, sound.frames) ** 2))])
    parts = []
    for first, last in spans((n_blocks + 3) * hop, 300 * hop):
        by_hop = curve.read(first, last).reshape(-1, hop)
        parts.append(np.einsum("hn,hn->h", by_hop, by_hop) / hop)
    squares = np.concatenate([[0.0], np.cumsum(np.concatenate(parts))])
    return (squares[4:] - squares[:-4]) / 4


def _integrated(power: np.ndarray) -> float | None:
    """Gated mean of block powers in LUFS (BS.1770-4, equations 5 to 7); None when all lie under the absolute gate."""
    loud = power[power > 10 ** ((-70 + 0.691) / 10)]
    if len(loud) == 0:
        return None
    gated = loud[loud > loud.mean() / 10]
    return -0.691 + 10 * math.log10(float(gated.mean()))


def _k_filter(samples: np.ndarray, rate: int, state: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    from scipy.signal import sosfilt

    sections = _k_sections(rate)
    if state is None:
        state = np.zeros((len(sections), samples.shape[0], 2))
    return sosfilt(sections, samples, zi=state)


@lru_cache(maxsize=8)
def _k_sections(rate: int) -> np.ndarray:
    """The two biquads of the K-weighting at `rate`: (2, 6) = [b, a] each."""
    gain, q, hz = 10 ** (3.999843853973347 / 20), 0.7071752369554196, 1681.974450955533
    k = math.tan(math.pi * hz / rate)
    middle = gain**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [(gain + middle * k / q + k * k) / a0, 2 * (k * k - gain) / a0, (gain - middle * k / q + k * k) / a0]
    shelf += [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    q, hz = 0.5003270373238773, 38.13547087602444
    k = math.tan(math.pi * hz / rate)
    a0 = 1 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])


@lru_cache(maxsize=1)
def _interpolator() -> np.ndarray:
    """Kaiser-windowed sincs of 24 taps for the seven points between samples, for 16 samples at once: (112, 40)."""
    taps = np.arange(-_HALF_TAPS + 1, _HALF_TAPS + 1)
    kernel = np.zeros(((_OVERSAMPLING - 1) * _BLOCK, _BLOCK + 2 * _HALF_TAPS), np.float32)
    for phase in range(1, _OVERSAMPLING):
        offset = taps - phase / _OVERSAMPLING
        row = np.sinc(offset) * np.i0(6.0 * np.sqrt(np.clip(1 - (offset / _HALF_TAPS) ** 2, 0, 1))) / np.i0(6.0)
        row /= row.sum()
        for sample in range(_BLOCK):
            start = sample + 1
            kernel[(phase - 1) * _BLOCK + sample, start : start + 2 * _HALF_TAPS] = row
    return kernel
