"""The notes of one track, played by a SoundFont from any place to any other.

Notes that sound alike share one voice; each puts its own level, envelope and release on it. What its channel is sent while it sounds
(volume, expression, pan) moves the whole track; what bends its pitch or turns a wheel gives the note a voice of its own.
"""

from __future__ import annotations

import math

import numpy as np

from klangbild.music.piece import Piece, Track
from klangbild.sound.envelopes import decay, held_level, release_slope
from klangbild.sound.played_notes import MAX_RELEASE_S, PlayedNotes, tail_length
from klangbild.sound.soundfont import Layer, Zone
from klangbild.sound.voices import SILENT_DB, KeptVoices, VoiceMaker, darker

# a choked hi-hat falls 96 dB in this time, as FluidSynth's does
_CHOKED_S = 2 ** (-200 / 1200)
# (velocities from, treble in dB)
_BRIGHTNESS = ((88, 0.0), (64, -1.3), (40, -2.7), (0, -4.0))


class Part:
    """A track's notes, ready to be played."""

    def __init__(
        self, track: Track, preset: tuple[int, int], piece: Piece, voices: VoiceMaker, *, soften: bool
    ) -> None:
        """soften: softly played notes are duller, by 4 dB at most."""
        self._voices, self._rate, self._soften = voices, voices.rate, soften
        self._notes = PlayedNotes(track, preset, piece, voices.font, voices.rate)
        self.onset = self._notes.onset
        self._velocity = track.notes["velocity"].tolist()
        self._cut: dict[int, int] = {}
        self._groups: dict[Zone, list[tuple[int, Layer]]] = {}
        for index, layers in enumerate(self._notes.layers):
            if index not in self._notes.motions:
                for layer in layers:
                    self._groups.setdefault(layer.zone, []).append((index, layer))
        self._level, self._pan = self._notes.level_curve(), self._notes.pan_curve()

    @property
    def classes(self) -> list[set[int]]:
        """Exclusive classes of each note: what strikes one ends the others of it."""
        return [{layer.zone.exclusive_class for layer in layers} - {0} for layers in self._notes.layers]

    def choke(self, index: int, after: int) -> None:
        """A note is choked so many samples after its start."""
        self._cut[index] = after

    @property
    def end(self) -> int:
        """The sample at which the last tail has ended."""
        notes = self._notes
        ends = [
            int(notes.onset[index] + notes.held[index]) + tail_length(layer.zone, self._rate)
            for index, layers in enumerate(notes.layers)
            for layer in layers
        ]
        return max(ends, default=0)

    def play(self, stem: np.ndarray, first: int, kept: KeptVoices | None = None) -> None:
        """Add to `stem` (2, n) what sounds from sample `first` of the piece on. kept: voices to use and to keep."""
        n = stem.shape[1]
        still = 0.0 if self._pan is None else self._pan.constant
        buses = _Buses(n, still)
        for zone, members in self._groups.items():
            self._play_alike(zone, members, buses, first, kept)
        for index in self._notes.motions:
            self._play_moving(index, buses, first)
        level = None if self._level is None else self._level.read(first, first + n)
        buses.pour_into(stem, level, self._pan.read(first, first + n) if still is None else None)

    def _play_alike(
        self, zone: Zone, members: list[tuple[int, Layer]], buses: _Buses, first: int, kept: KeptVoices | None
    ) -> None:
        onset, held = self._notes.onset, self._notes.held
        tail_n, last = tail_length(zone, self._rate), first + buses.frames
        members = [
            (index, layer)
            for index, layer in members
            if onset[index] < last and onset[index] + held[index] + tail_n > first
        ]
        if not members:
            return
        longest = max(int(held[index]) for index, _ in members)
        voice = (kept or self._voices).voice(zone, longest + tail_n)
        envelope = held_level(zone.level, longest + 1, self._rate)
        fade = self._fade(zone)
        by_brightness: dict[float, list[tuple[int, Layer]]] = {}
        for index, layer in members:
            by_brightness.setdefault(self._brightness(index), []).append((index, layer))
        for brightness, alike in by_brightness.items():
            whole = any(index in self._cut for index, _ in alike)
            longest = max(int(held[index]) for index, _ in alike)
            bright = darker(voice.sound if whole else voice.sound[:longest], brightness, self._rate)
            shaped = bright[:longest] * envelope[: min(longest, len(bright))]
            tails: dict[int, np.ndarray] = {}
            for index, layer in alike:
                stop = int(held[index])
                if stop not in tails:
                    level = float(envelope[stop])
                    tail = self._voices.tail(zone, voice, stop, self._audible(zone, level))
                    tails[stop] = darker(tail, brightness, self._rate) * (fade[: len(tail)] * np.float32(level))
                sounds = shaped[:stop], tails[stop]
                if index in self._cut:
                    sounds = self._choked(zone, bright, envelope, sounds, self._cut[index])
                buses.add(layer, int(onset[index]) - first, sounds)

    def _play_moving(self, index: int, buses: _Buses, first: int) -> None:
        onset, stop = int(self._notes.onset[index]), int(self._notes.held[index])
        for layer, motion in zip(self._notes.layers[index], self._notes.motions[index], strict=True):
            zone = layer.zone
            n = stop + tail_length(zone, self._rate)
            if onset >= first + buses.frames or onset + n <= first:
                continue
            sound = self._voices.voice(zone, n, motion=motion, stop=stop).sound
            sound = darker(sound, self._brightness(index), self._rate)
            envelope = held_level(zone.level, stop + 1, self._rate)
            tail = sound[stop:][: self._audible(zone, float(envelope[stop]))]
            tail = tail * (self._fade(zone)[: len(tail)] * envelope[stop])
            sounds = sound[:stop] * envelope[: min(stop, len(sound))], tail
            if index in self._cut:
                sounds = self._choked(zone, sound, envelope, sounds, self._cut[index])
            buses.add(layer, onset - first, sounds)

    def _choked(
        self, zone: Zone, bright: np.ndarray, envelope: np.ndarray, sounds: tuple[np.ndarray, np.ndarray], cut: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Held sound and tail of a note that falls quickly from sample `cut` on, from the level at which it stands there."""
        held, tail = sounds
        if cut >= len(held) + len(tail):
            return sounds
        slope = release_slope(_CHOKED_S, self._rate)
        fall = decay(math.ceil(SILENT_DB / slope), slope)
        if cut < len(held):
            rest = bright[cut : cut + len(fall)] * envelope[cut]
            return held[:cut], rest * fall[: len(rest)]
        done = cut - len(held)
        rest = tail[done : done + len(fall)] / self._fade(zone)[done : min(done + len(fall), len(tail))]
        return held, np.concatenate([tail[:done], rest * fall[: len(rest)] * self._fade(zone)[done]])

    def _audible(self, zone: Zone, level: float) -> int:
        """Samples of release that are heard from an envelope that stands at `level`."""
        if level <= 0:
            return 0
        slope = release_slope(zone.level.release_s, self._rate)
        return min(max(math.ceil((SILENT_DB + 20 * math.log10(level)) / slope), 0), tail_length(zone, self._rate))

    def _fade(self, zone: Zone) -> np.ndarray:
        rate = self._rate
        fade = decay(tail_length(zone, rate), release_slope(zone.level.release_s, rate))
        if len(fade) == round(MAX_RELEASE_S * rate):  # a long release was shortened
            fade[-rate // 100 :] *= np.linspace(1, 0.01, len(fade[-rate // 100 :]), dtype=np.float32)
        return fade

    def _brightness(self, index: int) -> float:
        return next(db for lowest, db in _BRIGHTNESS if self._velocity[index] >= lowest) if self._soften else 0.0


class _Buses:
    """Sound that is summed up by where it lies: one bus in the middle, left and right, or (while a channel's pan moves) one for each
    place of a layer."""

    def __init__(self, frames: int, pan: float | None) -> None:
        """pan: the channel's, added to each layer's; None: it moves."""
        self.frames, self._pan = frames, pan
        self._by_place: dict[float | str, np.ndarray] = {}

    def add(self, layer: Layer, at: int, sounds: tuple[np.ndarray, np.ndarray]) -> None:
        gain = 10 ** (-layer.attenuation_db / 20)
        if self._pan is None:
            targets: list[tuple[float | str, float]] = [(round(layer.pan, 3), 1.0)]
        else:
            pan = min(max(layer.pan + self._pan, -1.0), 1.0)
            angle = (pan + 1) * math.pi / 4
            sides = (("left", math.cos(angle)), ("right", math.sin(angle)))
            targets = [("middle", 1.0)] if abs(pan) < 0.02 else [side for side in sides if side[1] > 0.001]
        for place, share in targets:
            if place not in self._by_place:
                self._by_place[place] = np.zeros(self.frames, np.float32)
            bus = self._by_place[place]
            _add(sounds[0], bus, at, gain * share)
            _add(sounds[1], bus, at + len(sounds[0]), gain * share)

    def pour_into(self, stem: np.ndarray, level: np.ndarray | None, pan: np.ndarray | None) -> None:
        """Add it all to `stem` (2, frames), at a level (frames,); pan: (frames,), where the channel's moves."""
        for place, bus in self._by_place.items():
            if level is not None:
                bus *= level
            if pan is not None:
                angle = (np.clip(place + pan, -1, 1) + 1) * np.float32(math.pi / 4)
                stem[0] += bus * np.cos(angle)
                stem[1] += bus * np.sin(angle)
            elif place == "middle":
                bus *= np.float32(math.sqrt(0.5))
                stem += bus
            else:
                stem[("left", "right").index(place)] += bus


def _add(sound: np.ndarray, channel: np.ndarray, at: int, gain: float) -> None:
    """Add sound to a channel from sample `at` on; what comes before its first sample has been heard already."""
    # y += a x in one pass over memory and in place, for float32 that lies in a row: this is where the time goes
    from scipy.linalg.blas import saxpy

    if at < 0:
        sound, at = sound[-at:], 0
    sound = sound[: len(channel) - at] if at < len(channel) else sound[:0]
    if len(sound):
        saxpy(sound, channel[at : at + len(sound)], a=gain)
