"""A MIDI file as its maker plays it: tracks with what their channels were sent, for `klangbild render`.

A channel is one instrument whatever track speaks to it: a volume in a conductor's track is heard by all notes of its channel, and a
program may change between two notes. Each program (and bank) of a channel in a track becomes one `Track` with a `Performance`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.music.families import FAMILY_NAMES, MELODIC_DRUMS, family_of
from klangbild.music.midi import NO_EFFECTS, piece_of
from klangbild.music.midi_plain import plain_midi, read_bytes
from klangbild.music.midi_track import MidiTrack
from klangbild.music.performance import BEND, EXPRESSION, PRESSURE, SOSTENUTO, SUSTAIN, Performance
from klangbild.music.piece import Piece, Track, make_notes

_DRUM_CHANNEL = 9
_BANK, _DATA, _DATA_FINE, _RPN, _RPN_COARSE, _NRPN = 0, 6, 38, 100, 101, (98, 99)
_SOUND_OFF, _RESET, _NOTES_OFF = 120, 121, 123
_NO_PARAMETER = 0x3FFF
_WHOLE_BEND = 8192


def read_performance(source: str | Path | bytes) -> Piece:
    """A MIDI file, or its bytes, that is to be heard, with its controllers: as `midi.read_music`, but for how its tracks are parted.

    Raises InputError: it is missing, damaged, no MIDI, beyond a limit, or holds no note that is played."""
    name = "the MIDI data" if isinstance(source, bytes) else str(source)
    plain = plain_midi(source if isinstance(source, bytes) else read_bytes(source), name, performed=True)
    piece = piece_of(plain, name)
    parts: dict[tuple[int, int, int, int], _Part] = {}
    channels = [_Channel(number) for number in range(16)]
    for tick, track, word in _in_time(plain.tracks):
        if word < 0xF0 << 16:
            channels[word >> 16 & 0xF].hear(tick, track, word, parts)
    told = list(piece.told)
    tracks = [made for key, part in sorted(parts.items()) if (made := part.track(key, channels, plain.division, told))]
    if not tracks:
        raise InputError(f"{name}: holds no note that we can play; give another .mid file")
    tracks.sort(key=lambda track: FAMILY_NAMES.index(track.family))
    return replace(piece, tracks=tuple(tracks), told=tuple(dict.fromkeys(told)))


def _in_time(tracks: list[MidiTrack]) -> Iterator[tuple[int, int, int]]:
    """(tick, track, word) of all events, in order of time; at one tick in the order of tracks and of the file."""
    sizes = [len(track.ticks) for track in tracks]
    ticks = np.concatenate([np.array(track.ticks, np.int64) for track in tracks])
    words = np.concatenate([np.array(track.words, np.int64) for track in tracks])
    order = np.argsort(ticks, kind="stable")
    owner = np.repeat(np.arange(len(tracks)), sizes)
    return zip(ticks[order].tolist(), owner[order].tolist(), words[order].tolist(), strict=True)


@dataclass
class _Part:
    """Notes of one track, channel, bank and program: (tick, end, pitch, velocity), `end` None while they are held."""

    notes: list[list] = field(default_factory=list)

    def track(
        self, key: tuple[int, int, int, int], channels: list[_Channel], division: int, told: list[str]
    ) -> Track | None:
        _, number, bank, program = key
        is_drum = number == _DRUM_CHANNEL
        family = family_of(program, is_drum=is_drum)
        if family is None:
            told.append(NO_EFFECTS)
            return None
        tick, end, pitch, velocity = (np.array(column) for column in zip(*self.notes, strict=True))
        notes = make_notes(tick / division, np.maximum(end - tick, 1) / division, pitch, velocity)
        # a kit of a number that says "no kit" in ours is the first
        program = 0 if is_drum and program in MELODIC_DRUMS else program
        return Track(family, program, notes, channels[number].performance(0 if is_drum else bank, division))


@dataclass
class _Channel:
    """What one channel stands at as its events go by, and what it was sent."""

    number: int
    bank: int = 0
    next_bank: int = 0
    program: int = 0
    changes: list[tuple[int, int, float]] = field(default_factory=list)
    struck: list[tuple[int, int]] = field(default_factory=list)
    _held: dict[tuple[int, int], deque] = field(default_factory=dict)
    _parameter: int = _NO_PARAMETER
    _wheel: float = 0.0
    _range_cents: float = 200.0
    _tuned: dict[int, float] = field(default_factory=lambda: {1: 0.0, 2: 0.0})

    def hear(self, tick: int, track: int, word: int, parts: dict[tuple[int, int, int, int], _Part]) -> None:
        kind, first, second = word >> 20, word >> 8 & 0x7F, word & 0x7F
        if kind == 0x9 and second:
            note = [tick, tick + 1, first, second]
            parts.setdefault((track, self.number, self.bank, self.program), _Part()).notes.append(note)
            self._held.setdefault((track, first), deque()).append(note)
            self.struck.append((tick, first))
        elif kind in (0x8, 0x9):
            if held := self._held.get((track, first)):
                held.popleft()[1] = tick
        elif kind == 0xC:
            self.bank, self.program = self.next_bank, first
        elif kind == 0xD:
            self.changes.append((tick, PRESSURE, first))
        elif kind == 0xE:
            self._wheel = (second << 7 | first) / _WHOLE_BEND - 1
            self._bend(tick)
        elif kind == 0xB:
            self._control(tick, first, second)

    def _control(self, tick: int, number: int, value: int) -> None:
        if number == _BANK:
            self.next_bank = value
        elif number in (_RPN, _RPN_COARSE):
            low, high = self._parameter & 0x7F, self._parameter >> 7
            self._parameter = high << 7 | value if number == _RPN else value << 7 | low
        elif number in _NRPN:
            self._parameter = _NO_PARAMETER
        elif number in (_DATA, _DATA_FINE):
            self._set_parameter(number == _DATA, value)
            self._bend(tick)
        elif number == _RESET:
            for pedal in (SUSTAIN, SOSTENUTO, 1):
                self.changes.append((tick, pedal, 0))
            self.changes += [(tick, EXPRESSION, 127), (tick, PRESSURE, 0)]
            self._wheel, self._parameter = 0.0, _NO_PARAMETER
            self._bend(tick)
        elif number >= _SOUND_OFF:
            for held in self._held.values():
                while held:
                    held.popleft()[1] = tick
            if number == _SOUND_OFF:
                self.changes += [(tick, SUSTAIN, 0), (tick, SOSTENUTO, 0)]
        else:
            self.changes.append((tick, number, value))

    def _set_parameter(self, coarse: bool, value: int) -> None:
        if self._parameter == 0:
            whole, fine = divmod(self._range_cents, 100)
            self._range_cents = 100.0 * value + fine if coarse else 100 * whole + min(value, 99)
        elif self._parameter == 1 and coarse:
            self._tuned[1] = (value - 64) / 64 * 100
        elif self._parameter == 2 and coarse:
            self._tuned[2] = (value - 64) * 100

    def _bend(self, tick: int) -> None:
        self.changes.append((tick, BEND, self._wheel * self._range_cents + sum(self._tuned.values())))

    def performance(self, bank: int, division: int) -> Performance | None:
        """None where nothing of it would be heard."""
        if not self.changes and not bank:
            return None
        tick, kind, value = (np.array(column) for column in zip(*self.changes, strict=True)) if self.changes else (
            np.zeros(0), np.zeros(0, int), np.zeros(0))  # fmt: skip
        onset, key = (np.array(column) for column in zip(*self.struck, strict=True))
        return Performance(
            self.number, bank, tick / division, kind, np.asarray(value, np.float64), onset / division, key
        )
