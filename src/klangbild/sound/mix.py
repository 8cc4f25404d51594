"""Stems to a finished mix: a short room, the sum, rumble taken off, silence cut off the end, loudness set and peaks held.

Time is kept: beat 0 is the first sample, unless silence at the front is to be cut too. Stems get exactly what the mix gets
(trim, gain, limiter movement, fade) and their own share of the room, so that they sum to the mix. Everything is done block
after block, so that an hour takes no more memory than minutes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from klangbild.sound.audio import HELD_S, Audio, LongAudio, Sound, spans
from klangbild.sound.loudness import Levelling, Loudness, normalize
from klangbild.sound.reverb import ROOM_SECONDS, Room
from klangbild.sound.tape import Tape

# share of each family that goes to the room: low instruments stay dry, sustained ones carry more of it
_SENDS = {"drums": 0.5, "bass": 0.15, "organ": 0.7, "guitar": 0.8, "piano": 0.8}
_RUMBLE_HZ = 30.0
"""Below this nothing is music; fonts have samples that are not centred, and slow beats between them."""
_SILENT_BELOW_PEAK_DB = 66.0
_LEAD_IN_S = 0.02
_LEAD_OUT_S = 0.05
_FADE_S = 0.05
_LAST_FADE_S = 1.0
_HOPS = 48
"""Blocks in which stems are summed, in steps of the room: 85 s at 44.1 kHz."""


@dataclass(frozen=True)
class Mix:
    """A finished mix. `start_s`: how much silence was cut off the front (beat 0 lies at -start_s of `audio`)."""

    audio: Audio | LongAudio
    loudness: Loudness
    """Measured on `audio`."""
    levelling: Levelling
    start_s: float
    _dry: tuple[tuple[str, Audio | LongAudio], ...] = field(repr=False)
    _reverb: float = field(repr=False)
    _rumble: bool = field(repr=False)
    _kept: tuple[int, int] = field(repr=False)
    _fade: int = field(repr=False)
    _loops: bool = field(repr=False, default=False)

    @cached_property
    def stems(self) -> tuple[tuple[str, Audio | LongAudio], ...]:
        """Family and stereo sound (2, n) of each stem with its share of the room; their sum is `audio`. Worked out
        when asked for."""
        finished = []
        for name, stem in self._dry:
            wet = _WithRoom([(name, stem)], self._reverb, rumble=self._rumble)
            if stem.frames <= HELD_S * stem.rate:
                wet = wet.tape
            finished.append((name, self.levelling.apply(_cut(wet, self._kept, self._fade, loops=self._loops))))
        return tuple(finished)


def mix(
    stems: list[tuple[str, Audio | LongAudio]],
    *,
    target_lufs: float | None = -14.0,
    ceiling_dbtp: float = -1.5,
    reverb: float = 0.16,
    rumble: bool = False,
    trim: bool = True,
    trim_start: bool = False,
    length_s: float | None = None,
    loops: bool = False,
) -> Mix:
    """The finished mix of stems (family, stereo audio) that start together and have one length and rate.

    Args:
        target_lufs: integrated loudness, None to leave the level alone (peaks are held all the same).
        ceiling_dbtp: true peak that is never passed; it wins over the loudness. Half a decibel below what players ask for, so that MP3
            and OGG, whose peaks are not those of what they were made from, stay under that too.
        reverb: 0..1, level of the room against the dry sound.
        rumble: keep what lies below 30 Hz.
        trim: cut silence off the end; False keeps the length. trim_start: off the front too.
        length_s: instead, keep just so much from the front, the last second of it (a tenth, if that is less) faded.
        loops: what sounds beyond `length_s` sounds from the start on instead, and nothing is faded: the end is followed by the start.
    """
    if not stems:
        raise ValueError("there is nothing to mix: no stems")
    whole = _WithRoom(stems, reverb, rumble=rumble).tape
    if length_s is None:
        kept, fade_s = _sounding(whole, from_start=not trim_start) if trim else (0, whole.frames), _FADE_S
    else:
        kept, fade_s = (0, round(length_s * whole.rate)), min(_LAST_FADE_S, length_s / 10)
    loops = loops and length_s is not None
    fade = 0 if loops else round(fade_s * whole.rate)
    audio, levelling = normalize(
        _cut(whole, kept, fade, loops=loops), target_lufs=target_lufs, ceiling_dbtp=ceiling_dbtp, loops=loops
    )
    return Mix(
        audio=audio,
        loudness=levelling.loudness,
        levelling=levelling,
        start_s=kept[0] / audio.rate,
        _dry=tuple(stems),
        _reverb=reverb,
        _rumble=rumble,
        _kept=kept,
        _fade=fade,
        _loops=loops,
    )


class _WithRoom:
    """Sum of the stems and of what the room answers, with space for its tail at the end, without rumble; recorded when it is first
    read."""

    def __init__(self, stems: list[tuple[str, Audio | LongAudio]], reverb: float, *, rumble: bool) -> None:
        self._stems, self._reverb, self._rumble = stems, reverb, rumble
        self.rate = stems[0][1].rate
        self._dry_frames = max(stem.frames for _, stem in stems)
        self.frames = self._dry_frames + (round(ROOM_SECONDS * self.rate) if reverb > 0 else 0)

    def read(self, first: int, last: int) -> np.ndarray:
        return self.tape.read(first, last)

    @cached_property
    def tape(self) -> Tape:
        tape, room = Tape(self.frames, self.rate), Room(self.rate)
        low_cut = None if self._rumble else _LowCut(self.rate)
        for first, last in spans(self.frames, _HOPS * room.hop):
            out = np.zeros((2, last - first), np.float32)
            send = np.zeros(last - first, np.float32)
            for name, stem in self._stems:
                samples = stem.read(min(first, stem.frames), min(last, stem.frames))
                n = samples.shape[1]
                out[:, :n] += samples
                if self._reverb > 0:
                    share = np.float32(_SENDS.get(name, 1.0) * self._reverb)
                    send[:n] += (samples[0] + samples[1]) * share
            if self._reverb > 0:
                out += room.answer(send)
            tape.write(first, out if low_cut is None else low_cut.pass_on(out))
        return tape


class _LowCut:
    """A high-pass at 30 Hz, 24 dB an octave, as sound goes through it block after block."""

    def __init__(self, rate: int) -> None:
        self._sections = _high_pass(_RUMBLE_HZ, rate)
        self._state = np.zeros((2, 2, 2))

    def pass_on(self, samples: np.ndarray) -> np.ndarray:
        """Stereo sound (2, n) -> float32 (2, n)."""
        from scipy.signal import sosfilt

        out, self._state = sosfilt(self._sections, samples.astype(np.float64), zi=self._state)
        return out.astype(np.float32)


def _high_pass(hz: float, rate: int) -> np.ndarray:
    """Two biquads (2, 6), a Butterworth high-pass of the fourth order."""
    w = 2 * math.pi * hz / rate
    rows = []
    for q in (0.54119610, 1.30656296):
        alpha, cosine = math.sin(w) / (2 * q), math.cos(w)
        b, a = np.array([(1 + cosine) / 2, -(1 + cosine), (1 + cosine) / 2]), [1 + alpha, -2 * cosine, 1 - alpha]
        rows.append([*(b / a[0]), 1.0, a[1] / a[0], a[2] / a[0]])
    return np.array(rows)


def _cut(sound: Sound, kept: tuple[int, int], fade: int, *, loops: bool) -> Sound:
    return _Wrapped(sound, kept[1]) if loops else _Kept(sound, kept, fade)


class _Wrapped:
    """The first `frames` samples, with all that follows them laid over them from the start on: one round of sound that goes round."""

    def __init__(self, sound: Sound, frames: int) -> None:
        self.frames, self.rate = frames, sound.rate
        self._sound = sound

    def read(self, first: int, last: int) -> np.ndarray:
        samples, end = np.zeros((2, last - first), np.float32), self._sound.frames
        for lap in range(0, end, self.frames):
            sounds = self._sound.read(min(lap + first, end), min(lap + last, end))
            samples[:, : sounds.shape[1]] += sounds
        return samples


class _Kept:
    """The kept part, lengthened with silence if need be, its last `fade` samples faded to nothing."""

    def __init__(self, sound: Sound, kept: tuple[int, int], fade: int) -> None:
        self.frames, self.rate = kept[1] - kept[0], sound.rate
        self._sound, self._start = sound, kept[0]
        fade = min(fade, self.frames)
        self._fade = np.cos(np.linspace(0, np.pi / 2, fade, dtype=np.float32)) ** 2

    def read(self, first: int, last: int) -> np.ndarray:
        samples = np.zeros((2, last - first), np.float32)
        end = self._sound.frames
        sounds = self._sound.read(min(self._start + first, end), min(self._start + last, end))
        samples[:, : sounds.shape[1]] = sounds
        fades = self.frames - len(self._fade)
        if last > fades:
            begin = max(first, fades)
            samples[:, begin - first :] *= self._fade[begin - fades : last - fades]
        return samples


def _sounding(sound: Sound, *, from_start: bool) -> tuple[int, int]:
    """First and last sample to keep: from the start, or just before the first sound, to just after the last tail."""
    blocks = list(spans(sound.frames, 1 << 20))
    peaks = [float(np.abs(sound.read(*block)).max()) for block in blocks]
    peak = max(peaks, default=0.0)
    if peak == 0.0:
        return 0, sound.frames
    # in float32, as the samples are
    limit = np.float32(peak * 10 ** (-_SILENT_BELOW_PEAK_DB / 20))
    loud = [block for block, height in zip(blocks, peaks, strict=True) if height > limit]
    first = loud[0][0] + int(_loud(sound, loud[0], limit).argmax())
    last = loud[-1][1] - int(_loud(sound, loud[-1], limit)[::-1].argmax())
    start = 0 if from_start else max(first - round(_LEAD_IN_S * sound.rate), 0)
    return start, min(last + round(_LEAD_OUT_S * sound.rate), sound.frames)


def _loud(sound: Sound, block: tuple[int, int], limit: float) -> np.ndarray:
    return np.abs(sound.read(*block)).max(axis=0) > limit
