"""One voice: the sound of one layer of one key, from the attack on, held for as long as it is needed.

A voice is rendered once per key and used for all notes of that key: level (velocity) and release are put on by the
caller, since both only multiply. Everything is float32 mono at the output rate.

Pitch shifting reads a fourfold oversampled copy of the sample with linear interpolation; the copy is made with a
Kaiser-windowed sinc of 16 taps a phase, and runs over the loop's seam so that loops stay smooth.

Reference: SoundFont 2.04, 8.1.3 and 9.1 (envelopes: attack linear in amplitude, decay and release linear in dB; the
modulation envelope linear in cents); Bristow-Johnson, "Audio EQ cookbook" (low-pass, shelf).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator

import numpy as np

from klangbild.sound.soundfont import SoundFont, Zone

_OVERSAMPLING = 4
_TAPS = 16
_BLOCK = 1 << 16
_LOUDEST = 1000.0
_OPEN_HZ = 17_000.0
_SWEEP_STEP_CENTS = 50.0
_KEPT_BYTES = 160_000_000
SILENT_DB = 72.0
"""Below this, under the voice's own start, nothing is rendered."""


class VoiceMaker:
    """Renders voices of one font at one rate; keeps the oversampled copies of the samples it has met."""

    def __init__(self, font: SoundFont, rate: int):
        self.font = font
        self.rate = rate
        self._copies: dict[tuple, np.ndarray] = {}

    def voice(self, zone: Zone, n: int) -> np.ndarray:
        """float32 (m,), m <= n: shorter where the sample or the envelope ends before."""
        n = min(n, _natural_length(zone, self.rate))
        if n <= 0:
            return np.zeros(0, np.float32)
        sound = self._read(zone, n)
        if zone.cutoff_hz is not None:
            sound = _filtered(sound, zone, self.rate)
        sound *= amplitude_envelope(zone, len(sound), self.rate)
        return sound

    def _read(self, zone: Zone, n: int) -> np.ndarray:
        """The sample at its pitch, looped: float32 (n,)."""
        copy = self._copy(zone)
        step = zone.ratio / self.rate * _OVERSAMPLING
        out = np.empty(n, np.float32)
        for first, position in _positions(zone, n, step, self.rate):
            if zone.loop:
                loop_start, loop_end = ((edge - zone.start) * _OVERSAMPLING for edge in zone.loop)
                again = int(np.searchsorted(position, loop_end))
                position[again:] = loop_start + np.mod(position[again:] - loop_start, loop_end - loop_start)
            index = position.astype(np.int32)
            part = (position - index).astype(np.float32)
            below = copy[index]
            above = copy[index + 1]
            above -= below
            above *= part
            above += below
            out[first : first + len(above)] = above
        return out

    def _copy(self, zone: Zone) -> np.ndarray:
        """The sample from `start` on, fourfold oversampled, with some frames of the loop (or silence) after its end."""
        key = (zone.sample, zone.start, zone.end, zone.loop)
        if key not in self._copies:
            frames = self.font.frames(zone.sample)
            if zone.loop:
                loop_start, loop_end = zone.loop
                seam = np.resize(frames[loop_start:loop_end], _TAPS)
                frames = np.concatenate([frames[zone.start : loop_end], seam])
            else:
                frames = np.concatenate([frames[zone.start : zone.end], np.zeros(_TAPS, np.float32)])
            self._copies[key] = _oversampled(frames)
        return self._copies[key]


class KeptVoices:
    """Voices that a long piece plays again and again; up to `_KEPT_BYTES` of them, the latest used."""

    def __init__(self, maker: VoiceMaker) -> None:
        self._maker = maker
        self._kept: OrderedDict[Zone, tuple[np.ndarray, int]] = OrderedDict()
        self._bytes = 0

    def voice(self, zone: Zone, n: int) -> np.ndarray:
        """As `VoiceMaker.voice`, float32 (n,); not to be written to."""
        sound, reaches = self._kept.pop(zone, (np.zeros(0, np.float32), 0))
        self._bytes -= sound.nbytes
        if reaches < n:
            sound, reaches = self._maker.voice(zone, n), n
        self._kept[zone] = sound, reaches
        self._bytes += sound.nbytes
        while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1][0].nbytes
        return sound[:n]


def amplitude_envelope(zone: Zone, n: int, rate: int) -> np.ndarray:
    """Delay, attack, hold, decay and sustain: float32 (n,), 0..1."""
    envelope = np.ones(n, np.float32)
    at = round(zone.delay_s * rate)
    envelope[:at] = 0.0
    # 1 ms, so that no voice starts with a click
    rise = max(round(zone.attack_s * rate), rate // 1000)
    envelope[at : at + rise] = np.linspace(0, 1, rise, endpoint=False, dtype=np.float32)[: max(n - at, 0)]
    at += rise + round(zone.hold_s * rate)
    if at < n and zone.sustain_db > 0:
        slope = 100.0 / (max(zone.decay_s, 0.001) * rate)
        length = min(math.ceil(zone.sustain_db / slope), n - at)
        envelope[at : at + length] = decay(length, slope)
        envelope[at + length :] = 10 ** (-zone.sustain_db / 20)
    return envelope


def darker(sound: np.ndarray, gain_db: float, rate: int) -> np.ndarray:
    """A voice (n,) with its treble above 2 kHz moved by `gain_db` <= 0 (first-order shelf): softly played notes are
    duller."""
    if gain_db > -0.1:
        return sound
    from scipy.signal import lfilter

    gain = 10 ** (gain_db / 20)
    k = math.tan(math.pi * min(2000.0 / rate, 0.45))
    # bilinear transform of (g s + w) / (s + w)
    b = np.array([gain + k, k - gain]) / (1 + k)
    a = np.array([1 + k, k - 1]) / (1 + k)
    return lfilter(b.astype(np.float32), a.astype(np.float32), sound)


def decay(n: int, db_per_sample: float) -> np.ndarray:
    """A fall that is linear in dB: float32 (n,) from 1 on."""
    return np.exp(np.arange(n, dtype=np.float32) * np.float32(-db_per_sample * math.log(10) / 20))


def _natural_length(zone: Zone, rate: int) -> int:
    """Output samples after which the voice is silent by itself."""
    limits = [2**31]
    if zone.loop is None:
        cents = max(zone.pitch_sweep_cents, 0) + abs(zone.vibrato_cents)
        limits.append(int((zone.end - zone.start) * rate / (zone.ratio * 2 ** (cents / 1200))))
    if zone.sustain_db >= SILENT_DB:
        silent = zone.delay_s + zone.attack_s + zone.hold_s + zone.decay_s * SILENT_DB / 100
        limits.append(math.ceil(silent * rate))
    return min(limits)


def _positions(zone: Zone, n: int, step: float, rate: int) -> Iterator[tuple[int, np.ndarray]]:
    """Where each output sample stands in the oversampled copy: (first sample, float64 positions) of each block."""
    if abs(zone.pitch_sweep_cents) < 2 and abs(zone.vibrato_cents) < 2:
        for first in range(0, n, _BLOCK):
            yield first, np.arange(first, min(first + _BLOCK, n), dtype=np.float64) * step
        return
    # pitch moves slowly: its curve is worked out every 64 samples
    time = np.arange(0, n + 64, 64) / rate
    cents = zone.pitch_sweep_cents * _modulation(zone, time)
    since = np.maximum(time - zone.vibrato_delay_s, 0)
    cents = cents + zone.vibrato_cents * (2 / math.pi) * np.arcsin(np.sin(2 * math.pi * zone.vibrato_hz * since))
    position = np.cumsum(np.interp(np.arange(n), np.arange(len(time)) * 64, step * 2 ** (cents / 1200)))
    position -= position[0]
    for first in range(0, n, _BLOCK):
        yield first, position[first : first + _BLOCK]


def _modulation(zone: Zone, time: np.ndarray) -> np.ndarray:
    """The modulation envelope at times in seconds since the attack: 0..1."""
    attack = max(zone.sweep_attack_s, 1e-4)
    fall = np.clip((time - attack) / max(zone.sweep_decay_s, 1e-4), 0, 1)
    return np.where(time < attack, time / attack, np.maximum(1 - fall, zone.sweep_sustain))


def _filtered(sound: np.ndarray, zone: Zone, rate: int) -> np.ndarray:
    """Low-pass whose cutoff follows the modulation envelope in steps of 50 cents."""
    from scipy.signal import lfilter

    n = len(sound)
    open_hz = min(_OPEN_HZ, 0.45 * rate)
    block = 64
    time = np.arange(0, n, block) / rate
    cents = 1200 * math.log2(zone.cutoff_hz) + zone.cutoff_sweep_cents * _modulation(zone, time)
    steps = np.rint(np.minimum(cents, 1200 * math.log2(open_hz)) / _SWEEP_STEP_CENTS).astype(int)
    if steps.min() * _SWEEP_STEP_CENTS >= 1200 * math.log2(open_hz) - _SWEEP_STEP_CENTS:
        return sound
    edges = np.flatnonzero(np.diff(steps)) + 1
    state = np.zeros(2, np.float32)
    out = np.empty_like(sound)
    for first, last in zip([0, *edges], [*edges, len(steps)], strict=True):
        hz = min(max(2 ** (steps[first] * _SWEEP_STEP_CENTS / 1200), 20.0), open_hz)
        b, a = _low_pass(hz, zone.resonance_db, rate)
        here = slice(first * block, min(last * block, n))
        out[here], state = lfilter(b, a, sound[here], zi=state)
    # a damaged font may ask for a filter that only rings
    return out if np.abs(out).max(initial=0.0) < _LOUDEST else sound


def _low_pass(hz: float, resonance_db: float, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (b, a) of a two-pole low-pass; resonance lifts the peak and lowers the rest by half of it."""
    q = 10 ** ((resonance_db - 3.01) / 20)
    w = 2 * math.pi * hz / rate
    alpha = math.sin(w) / (2 * max(q, 0.5))
    gain = 10 ** (-resonance_db / 40)
    b0 = gain * (1 - math.cos(w)) / 2
    b = np.array([b0, 2 * b0, b0]) / (1 + alpha)
    a = np.array([1 + alpha, -2 * math.cos(w), 1 - alpha]) / (1 + alpha)
    return b.astype(np.float32), a.astype(np.float32)


def _phases() -> np.ndarray:
    """Windowed-sinc filters of the three positions between two frames: (3, _TAPS)."""
    half = _TAPS // 2
    taps = np.arange(-half + 1, half + 1)
    rows = []
    for phase in range(1, _OVERSAMPLING):
        offset = taps - phase / _OVERSAMPLING
        window = np.i0(8.0 * np.sqrt(np.clip(1 - (offset / half) ** 2, 0, 1))) / np.i0(8.0)
        row = np.sinc(offset) * window
        rows.append(row / row.sum())
    return np.array(rows, dtype=np.float32)


def _oversampled(frames: np.ndarray) -> np.ndarray:
    """(n,) -> (4 n + 1,), starting at the first frame."""
    n = len(frames)
    half = _TAPS // 2
    padded = np.concatenate([np.full(half - 1, frames[0]), frames, np.zeros(half, np.float32)])
    out = np.empty((n, _OVERSAMPLING), np.float32)
    out[:, 0] = frames
    for phase, row in enumerate(_phases(), start=1):
        # correlate: out[i] = sum over taps of padded[i + tap] * row[tap]
        out[:, phase] = np.convolve(padded, row[::-1], "valid")[:n]
    return np.append(out.reshape(-1), out[-1, -1])
