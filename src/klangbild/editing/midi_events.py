"""A MIDI file as its events, every one kept as it is: what an edit does not touch comes out of it bit for bit.

`music.midi` reads a file into beats and families and writes it anew; here a file stays what its maker's program wrote. Times are
ticks, channels 0..15. A note is one key from its going down to its going up, paired first in, first out within its track and channel, as
our readers do.

Reference: Standard MIDI Files 1.1 (MMA, 1996).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from klangbild.errors import InputError
from klangbild.music.families import family_of
from klangbild.music.midi_track import END, META, variable_length

DRUM_CHANNEL = 9
TEMPO, METER, KEY, TRACK_NAME = 0x51, 0x58, 0x59, 0x03
_ON, _OFF, _PROGRAM = 0x90, 0x80, 0xC0
_RELEASE = 64


@dataclass(frozen=True)
class Event:
    """tick, and the event's bytes with its status: a channel message (2 or 3), a meta (FF kind length data) or a sysex (F0 or F7)."""

    tick: int
    data: bytes

    @property
    def is_meta(self) -> bool:
        return self.data[0] == META

    @property
    def channel(self) -> int | None:
        """0..15 of a channel message, else None."""
        return self.data[0] & 0xF if self.data[0] < 0xF0 else None

    @property
    def strikes(self) -> bool:
        """Whether a key goes down."""
        return self.data[0] & 0xF0 == _ON and self.data[2] > 0

    @property
    def releases(self) -> bool:
        """Whether a key goes up."""
        return self.data[0] & 0xF0 == _OFF or (self.data[0] & 0xF0 == _ON and self.data[2] == 0)


@dataclass(frozen=True)
class Note:
    """One note: its part (track, channel), when it begins and ends in ticks, pitch, velocity 1..127. on, off: places of its two events in
    its track; -1: an event to be written."""

    track: int
    channel: int
    begin: int
    end: int
    pitch: int
    velocity: int
    on: int = -1
    off: int = -1


@dataclass
class MidiEvents:
    """All events of a file, track by track in order, and its division: ticks of a beat. kind: 0 or 1, as the header has it."""

    kind: int
    division: int
    tracks: list[list[Event]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """Where each track ends, in ticks."""

    @classmethod
    def read(cls, data: bytes) -> MidiEvents:
        """Bytes of a plain file (`midi_plain.plain_midi`). Raises InputError: they are none."""
        kind, _, division = (int.from_bytes(data[at : at + 2], "big") for at in (8, 10, 12))
        found = cls(min(kind, 1), division)
        at = 8 + int.from_bytes(data[4:8], "big")
        while at + 8 <= len(data):
            size = int.from_bytes(data[at + 4 : at + 8], "big")
            if data[at : at + 4] == b"MTrk":
                try:
                    events, end = _read_track(data[at + 8 : at + 8 + size])
                except (IndexError, ValueError):
                    raise InputError(
                        "the MIDI file is damaged; export it again from the program it came from"
                    ) from None
                found.tracks.append(events)
                found.ends.append(end)
            at += 8 + size
        return found

    def write(self) -> bytes:
        """The events as a MIDI file. Equal events give equal bytes."""
        header = (6).to_bytes(4, "big") + b"".join(
            number.to_bytes(2, "big")
            for number in (self.kind if len(self.tracks) == 1 else 1, len(self.tracks), self.division)
        )
        chunks = [b"MThd" + header]
        for events, end in zip(self.tracks, self.ends, strict=True):
            body, before = bytearray(), 0
            for event in events:
                body += variable_length(event.tick - before) + event.data
                before = event.tick
            body += variable_length(max(end - before, 0)) + bytes([META, END, 0])
            chunks.append(b"MTrk" + len(body).to_bytes(4, "big") + body)
        return b"".join(chunks)

    def notes(self) -> list[Note]:
        """Every note, track by track, as they begin. What is never let go, or lasts no tick, is none (`plain_midi` ends such)."""
        found: list[Note] = []
        for number, events in enumerate(self.tracks):
            held: dict[tuple[int, int], deque[tuple[int, Event]]] = defaultdict(deque)
            mine: list[Note] = []
            for place, event in enumerate(events):
                if event.channel is None:
                    continue
                if event.strikes:
                    held[event.channel, event.data[1]].append((place, event))
                elif event.releases and held[event.channel, event.data[1]]:
                    on, begun = held[event.channel, event.data[1]].popleft()
                    mine.append(
                        Note(number, event.channel, begun.tick, event.tick, event.data[1], begun.data[2], on, place)
                    )
            found += sorted(mine, key=lambda note: note.on)
        return found

    def programs(self) -> Programs:
        """Which program each channel stands at, at any tick."""
        return Programs(self)

    def replaced(self, gone: Iterable[Note], new: Iterable[Note]) -> MidiEvents:
        """The file without some of its notes and with new ones; every other event as it is, where it is.

        A new note is struck after what its tick holds already and let go before it, so that it takes no other note's end.
        """
        dropped: dict[int, set[int]] = defaultdict(set)
        for note in gone:
            dropped[note.track] |= {note.on, note.off}
        added: dict[int, list[Note]] = defaultdict(list)
        for note in new:
            added[note.track].append(note)
        tracks, ends = list(self.tracks), list(self.ends)
        for number in sorted({*dropped, *added}):
            kept = [event for place, event in enumerate(self.tracks[number]) if place not in dropped[number]]
            rows = [((event.tick, 1, 0), event) for event in kept]
            for note in added[number]:
                on = bytes([_ON | note.channel, note.pitch, note.velocity])
                off = bytes([_OFF | note.channel, note.pitch, _RELEASE])
                rows.append(((note.begin, 2, note.pitch), Event(note.begin, on)))
                rows.append(((note.end, 0, note.pitch), Event(note.end, off)))
            rows.sort(key=lambda row: row[0])
            tracks[number] = [event for _, event in rows]
            ends[number] = max(ends[number], tracks[number][-1].tick if tracks[number] else 0)
        return replace(self, tracks=tracks, ends=ends)

    def changed(self, change: Callable[[int, Event], Event | None]) -> MidiEvents:
        """Each event as `change(track, event)` gives it; None: it goes."""
        tracks = [
            [new for event in events if (new := change(number, event)) is not None]
            for number, events in enumerate(self.tracks)
        ]
        return replace(self, tracks=tracks)

    def with_track(self, events: list[Event]) -> MidiEvents:
        """One more track behind the others."""
        return replace(
            self, kind=1, tracks=[*self.tracks, events], ends=[*self.ends, max((e.tick for e in events), default=0)]
        )

    @property
    def channels(self) -> list[int]:
        """Those that play a note."""
        return sorted({e.channel for events in self.tracks for e in events if e.channel is not None and e.strikes})


class Programs:
    """The program and the family of each channel at any tick; 0 before anything is said, as General MIDI has it."""

    def __init__(self, midi: MidiEvents) -> None:
        rows = sorted(
            (event.tick, event.channel, event.data[1])
            for events in midi.tracks
            for event in events
            if event.channel is not None and event.data[0] & 0xF0 == _PROGRAM
        )
        self._at: dict[int, list[int]] = defaultdict(list)
        self._is: dict[int, list[int]] = defaultdict(list)
        for tick, channel, program in rows:
            self._at[channel].append(tick)
            self._is[channel].append(program)

    def program(self, channel: int, tick: int) -> int:
        """0..127."""
        place = bisect_right(self._at[channel], tick) - 1
        return self._is[channel][place] if place >= 0 else 0

    def family(self, channel: int, tick: int) -> str | None:
        """Of `FAMILY_NAMES`; None: sound effects."""
        return family_of(self.program(channel, tick), is_drum=channel == DRUM_CHANNEL)


def meta(tick: int, kind: int, held: bytes) -> Event:
    """A meta event."""
    return Event(tick, bytes([META, kind]) + variable_length(len(held)) + held)


def held_by(event: Event) -> tuple[int, bytes]:
    """The kind of a meta event and what it holds."""
    at = 2
    while event.data[at] & 0x80:
        at += 1
    return event.data[1], event.data[at + 1 :]


def ticks_of(beats: np.ndarray | float, division: int) -> np.ndarray:
    """Beats (...,) -> whole ticks (...,) int64."""
    return np.rint(np.asarray(beats, np.float64) * division).astype(np.int64)


def _read_track(data: bytes) -> tuple[list[Event], int]:
    """The events of one track chunk, its end left out, and the tick of that end. Raises IndexError or ValueError: it is damaged."""
    events: list[Event] = []
    at = tick = status = 0
    while at < len(data):
        delta, at = _number(data, at)
        tick += delta
        if data[at] in (META, 0xF0, 0xF7):
            first = at
            at += 2 if data[at] == META else 1
            size, at = _number(data, at)
            if at + size > len(data):
                raise ValueError("cut off")
            at += size
            if data[first] == META and data[first + 1] == END:
                break
            events.append(Event(tick, data[first:at]))
            continue
        if data[at] >= 0x80:
            status = data[at]
            at += 1
        if not 0x80 <= status < 0xF0:
            raise ValueError("no status")
        size = 1 if 0xC0 <= status < 0xE0 else 2
        if at + size > len(data):
            raise ValueError("cut off")
        events.append(Event(tick, bytes([status, *(byte & 0x7F for byte in data[at : at + size])])))
        at += size
    return events, tick


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at
