"""One voice: the sound of one layer of one key, from the attack on, for as long as it is needed.

A voice is rendered once per key and used for all notes that sound alike: their level, its envelope and release only multiply and are
put on by the caller. What moves while a note sounds (a bent pitch, a turned wheel) gets a voice of its own. Everything is float32 mono
at the output rate.

Pitch shifting reads a fourfold oversampled copy of the sample with linear interpolation; the copy is made with a
Kaiser-windowed sinc of 16 taps a phase, and runs over the loop's seam so that loops stay smooth.

Reference: SoundFont 2.04, 8.1.3 and 9.1; Bristow-Johnson, "Audio EQ cookbook" (low-pass, shelf).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from klangbild.sound.envelopes import BLOCK, WHOLE_DB, factors, swept, swing
from klangbild.sound.soundfont import SoundFont, Zone

_OVERSAMPLING = 4
_TAPS = 16
_READ_BLOCK = 1 << 16
_LOUDEST = 100.0
_OPEN_HZ = 19_000.0
_SWEEP_STEP_CENTS = 50.0
_KEPT_BYTES = 160_000_000
_WARM_UP = 512
_HEARD_SWEEP_CENTS = 150.0
SILENT_DB = 80.0
"""Below this, under the voice's own start, nothing is rendered."""


@dataclass(frozen=True)
class Motion:
    """What moves while a note sounds. cents: how far its pitch is bent, for each block of `BLOCK` samples (blocks,); the last stays.
    zones: (first block, the zone from there on), where controllers change it."""

    cents: np.ndarray
    zones: Sequence[tuple[int, Zone]] = ()


@dataclass(frozen=True)
class Voice:
    """float32 (m,) each: `sound` without its envelope, and as it was before the filter, where a release needs that."""

    sound: np.ndarray
    unfiltered: np.ndarray | None = None
    tails: dict[int, np.ndarray] = field(default_factory=dict, compare=False)

    @property
    def nbytes(self) -> int:
        more = 0 if self.unfiltered is None or self.unfiltered is self.sound else self.unfiltered.nbytes
        return self.sound.nbytes + more + sum(tail.nbytes for tail in self.tails.values())


class VoiceMaker:
    """Renders voices of one font at one rate; keeps the oversampled copies of the samples it has met."""

    def __init__(self, font: SoundFont, rate: int):
        self.font = font
        self.rate = rate
        self._copies: dict[tuple, np.ndarray] = {}

    def voice(self, zone: Zone, n: int, *, motion: Motion | None = None, stop: int | None = None) -> Voice:
        """At most n samples: fewer where the sample or the envelope ends before. stop: where its key is let go, for a voice of one
        note; else it is held."""
        n = min(n, _natural_length(zone, self.rate, motion))
        if n <= 0:
            return Voice(np.zeros(0, np.float32))
        moves = _Moves(zone, n, self.rate, motion, None if stop is None else stop / self.rate)
        raw = self._read(zone, n, moves)
        sound = _filtered(raw, moves, self.rate) if moves.filters else raw
        if moves.level_db is not None:
            gain = factors(moves.level_db, 10.0, 20.0)
            sound = sound * np.interp(np.arange(n), np.arange(len(gain)) * BLOCK, gain).astype(np.float32)
        return Voice(sound, raw if moves.sweeps_when_let_go(zone) else None)

    def tail(self, zone: Zone, voice: Voice, stop: int, n: int) -> np.ndarray:
        """What a held voice goes on with when its key is let go: float32 (m,), m <= n, without its envelope."""
        n = min(n, len(voice.sound) - stop)
        if zone.plays_on and zone.loop:
            return self._behind_the_loop(zone, stop, n)
        if n <= 0 or voice.unfiltered is None:
            return voice.sound[stop : stop + max(n, 0)]
        known = voice.tails.get(stop)
        if known is None or len(known) < n:
            if _moved_when_let_go(zone, stop, n, self.rate) < _HEARD_SWEEP_CENTS:
                known = voice.sound[stop : stop + n]
            else:
                first = max(stop - _WARM_UP, 0) // BLOCK * BLOCK
                moves = _Moves(zone, n + stop - first, self.rate, None, stop / self.rate, first=first)
                known = _filtered(voice.unfiltered[first : stop + n], moves, self.rate)[stop - first :]
                voice.tails[stop] = known
        return known[:n]

    def _behind_the_loop(self, zone: Zone, stop: int, n: int) -> np.ndarray:
        """A sample that plays on to its end when the key is let go (mode 3)."""
        step, (loop_start, loop_end) = zone.ratio / self.rate, zone.loop
        position = zone.start + stop * step
        if position >= loop_end:
            position = loop_start + (position - loop_start) % (loop_end - loop_start)
        rest = replace(zone, start=int(position), loop=None, plays_on=False)
        n = min(n, int((zone.end - int(position)) / step))
        if n <= 0 or rest.end - rest.start < 2:
            return np.zeros(0, np.float32)
        moves = _Moves(zone, n, self.rate, None, stop / self.rate, first=stop)
        sound = self._read(rest, n, moves)
        return _filtered(sound, moves, self.rate) if moves.filters else sound

    def _read(self, zone: Zone, n: int, moves: _Moves) -> np.ndarray:
        """The sample at its pitch, looped: float32 (n,)."""
        copy = self._copy(zone)
        step = zone.ratio / self.rate * _OVERSAMPLING
        out = np.empty(n, np.float32)
        for first, position in _positions(n, step, moves.cents):
            if zone.loop:
                loop_start, loop_end = ((edge - zone.start) * _OVERSAMPLING for edge in zone.loop)
                again = int(np.searchsorted(position, loop_end))
                position[again:] = loop_start + np.mod(position[again:] - loop_start, loop_end - loop_start)
            else:
                np.minimum(position, len(copy) - 2, out=position)
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
    """Held voices that a long piece plays again and again; up to `_KEPT_BYTES` of them, the latest used."""

    def __init__(self, maker: VoiceMaker) -> None:
        self._maker = maker
        self._kept: OrderedDict[Zone, tuple[Voice, int]] = OrderedDict()

    def voice(self, zone: Zone, n: int) -> Voice:
        """As `VoiceMaker.voice`, at least as long as that gives; not to be written to."""
        voice, reaches = self._kept.pop(zone, (None, 0))
        if voice is None or reaches < n:
            voice, reaches = self._maker.voice(zone, n), n
        self._kept[zone] = voice, reaches
        total = sum(kept.nbytes for kept, _ in self._kept.values())
        while total > _KEPT_BYTES and len(self._kept) > 1:
            total -= self._kept.popitem(last=False)[1][0].nbytes
        return voice


class _Moves:
    """Pitch (cents), cutoff (cents) and tremolo (dB) of a voice for each block of `BLOCK` samples from sample `first` on; None where
    nothing moves."""

    def __init__(
        self, zone: Zone, n: int, rate: int, motion: Motion | None, stop_s: float | None, *, first: int = 0
    ) -> None:
        self._time = (first + np.arange(0, n + BLOCK, BLOCK)) / rate
        self._stop_s = stop_s
        zones = [(0, zone), *(motion.zones if motion else ())]
        self._first = zone
        self.cents, self.cutoff, self.level_db = (
            self._over(zones, kind) for kind in (self._cents, self._cutoff, self._level)
        )
        if motion is not None and len(motion.cents):
            bent = motion.cents[np.minimum(np.arange(len(self._time)), len(motion.cents) - 1)]
            self.cents = bent if self.cents is None else self.cents + bent
        self.resonance_db = zone.resonance_db
        # an open filter changes nothing, but that resonance takes half of its height off the whole
        self.filters = bool(self.cutoff.min() < _open_cents(rate) or zone.resonance_db > 0.05)

    def _over(self, zones: list[tuple[int, Zone]], kind) -> np.ndarray | None:
        whole = kind(zones[0][1])
        for at, zone in zones[1:]:
            changed = kind(zone)
            if whole is None and changed is None:
                continue
            nothing = np.zeros(len(self._time))
            whole = (nothing if whole is None else whole).copy()
            whole[at:] = (nothing if changed is None else changed)[at:]
        return whole

    def _cents(self, zone: Zone) -> np.ndarray | None:
        moving = np.zeros(len(self._time))
        tuned = 0.0 if zone is self._first else 1200 * math.log2(zone.ratio / self._first.ratio)
        if abs(zone.sweep_pitch_cents) >= 2:
            moving += zone.sweep_pitch_cents * swept(zone.sweep, self._time, self._stop_s)
        for one in (zone.modulation, zone.vibrato):
            if abs(one.pitch_cents) >= 1:
                moving += one.pitch_cents * swing(one, self._time)
        return moving + tuned if moving.any() or tuned else None

    def _cutoff(self, zone: Zone) -> np.ndarray:
        cutoff = np.full(len(self._time), zone.cutoff_cents)
        if zone.sweep_cutoff_cents:
            cutoff += zone.sweep_cutoff_cents * swept(zone.sweep, self._time, self._stop_s)
        if zone.modulation.cutoff_cents:
            cutoff += zone.modulation.cutoff_cents * swing(zone.modulation, self._time)
        return cutoff

    def _level(self, zone: Zone) -> np.ndarray | None:
        return zone.modulation.level_db * swing(zone.modulation, self._time) if zone.modulation.level_db else None

    def sweeps_when_let_go(self, zone: Zone) -> bool:
        return self.filters and self._stop_s is None and abs(zone.sweep_cutoff_cents) >= _HEARD_SWEEP_CENTS


def darker(sound: np.ndarray, gain_db: float, rate: int) -> np.ndarray:
    """A voice (n,) with its treble above 2 kHz moved by `gain_db` <= 0 (first-order shelf): softly played notes are
    duller."""
    if gain_db > -0.1 or not len(sound):
        return sound
    from scipy.signal import lfilter

    gain = 10 ** (gain_db / 20)
    k = math.tan(math.pi * min(2000.0 / rate, 0.45))
    # bilinear transform of (g s + w) / (s + w)
    b = np.array([gain + k, k - gain]) / (1 + k)
    a = np.array([1 + k, k - 1]) / (1 + k)
    return lfilter(b.astype(np.float32), a.astype(np.float32), sound)


def _moved_when_let_go(zone: Zone, stop: int, n: int, rate: int) -> float:
    """How many cents the cutoff moves in the n samples after the key is let go."""
    top = float(swept(zone.sweep, np.array([stop / rate]))[0])
    return abs(zone.sweep_cutoff_cents) * min(top, n / rate / max(zone.sweep.release_s, 1e-3))


def _natural_length(zone: Zone, rate: int, motion: Motion | None) -> int:
    """Output samples after which the voice is silent by itself."""
    limits = [2**31]
    if zone.loop is None:
        cents = max(zone.sweep_pitch_cents, 0) + abs(zone.vibrato.pitch_cents) + abs(zone.modulation.pitch_cents)
        down = abs(float(motion.cents.min(initial=0.0))) if motion else 0.0
        limits.append(int((zone.end - zone.start) * rate / (zone.ratio * 2 ** ((cents - down) / 1200))))
    if zone.level.fall * WHOLE_DB >= SILENT_DB:
        level = zone.level
        silent = level.delay_s + level.attack_s + level.hold_s + level.decay_s * SILENT_DB / WHOLE_DB
        limits.append(math.ceil(silent * rate))
    return min(limits)


def _positions(n: int, step: float, cents: np.ndarray | None) -> Iterator[tuple[int, np.ndarray]]:
    """Where each output sample stands in the oversampled copy: (first sample, float64 positions) of each block."""
    if cents is None:
        for first in range(0, n, _READ_BLOCK):
            yield first, np.arange(first, min(first + _READ_BLOCK, n), dtype=np.float64) * step
        return
    steps = step * factors(cents, 2.0, 1200.0)
    position = np.cumsum(np.interp(np.arange(n), np.arange(len(steps)) * BLOCK, steps))
    position -= position[0]
    for first in range(0, n, _READ_BLOCK):
        yield first, position[first : first + _READ_BLOCK]


def _filtered(sound: np.ndarray, moves: _Moves, rate: int) -> np.ndarray:
    """Low-pass whose cutoff moves in steps of 50 cents."""
    from scipy.signal import lfilter

    n = len(sound)
    steps = np.rint(np.minimum(moves.cutoff[: -(-n // BLOCK)], 13_500) / _SWEEP_STEP_CENTS).astype(int)
    edges = np.flatnonzero(np.diff(steps)) + 1
    state = np.zeros(2, np.float32)
    out = np.empty_like(sound)
    for first, last in zip([0, *edges], [*edges, len(steps)], strict=True):
        hz = min(max(8.176 * 2 ** (steps[first] * _SWEEP_STEP_CENTS / 1200), 20.0), 0.45 * rate)
        b, a = _low_pass(hz, moves.resonance_db, rate)
        here = slice(first * BLOCK, min(last * BLOCK, n))
        out[here], state = lfilter(b, a, sound[here], zi=state)
    # a damaged font may ask for a filter that only rings
    return out if np.abs(out).max(initial=0.0) < _LOUDEST else sound


def _open_cents(rate: int) -> float:
    """From here on a low-pass takes nothing away that is heard."""
    return 1200 * math.log2(min(_OPEN_HZ, 0.45 * rate) / 8.176)


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
