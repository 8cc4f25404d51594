"""One track of a MIDI file as a list of events: walked over byte by byte, changed, and written again.

Reference: Standard MIDI Files 1.1 (MMA, 1996).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

META, SYSEX = 0xFF, 0xF0
TEMPO, METER, KEY, END = 0x51, 0x58, 0x59, 0x2F
_TEXT = 0x01
_MAX_DELTA = 2**28 - 1


@dataclass
class MidiTrack:
    """Events of one track in file order: ticks, words (status << 16 | first << 8 | second), and what metas hold, by place."""

    ticks: list[int] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    metas: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    end: int = 0
    odd: bool = False
    """Holds bytes that belong in no file, which a rewriting leaves out."""


def read_track(data: bytes) -> MidiTrack | None:
    """The events of one track chunk; None when its bytes are no events."""
    track = MidiTrack()
    ticks, words = track.ticks, track.words
    at, end, tick, status = 0, len(data), 0, 0
    try:
        while at < end:
            byte = data[at]
            at += 1
            if byte < 0x80:
                tick += byte
            else:
                delta = byte & 0x7F
                for _ in range(3):
                    byte = data[at]
                    at += 1
                    delta = delta << 7 | byte & 0x7F
                    if byte < 0x80:
                        break
                else:
                    return None
                tick += delta
            byte = data[at]
            if byte >= 0x80:
                at += 1
                if byte >= 0xF0:
                    if byte not in (META, SYSEX, 0xF7):  # live messages, which no file should hold
                        at += {0xF1: 1, 0xF2: 2, 0xF3: 1}.get(byte, 0)
                        track.odd = True
                        continue
                    kind = 0
                    if byte == META:
                        kind = data[at]
                        at += 1
                    size = 0
                    for _ in range(4):
                        length = data[at]
                        at += 1
                        size = size << 7 | length & 0x7F
                        if length < 0x80:
                            break
                    if length >= 0x80 or at + size > end:
                        return None
                    if byte == META:
                        track.metas[len(ticks)] = (kind, data[at : at + size])
                        ticks.append(tick)
                        words.append(META << 16 | kind << 8)
                        if kind == END:
                            break
                    at += size
                    continue
                status = byte
            elif not status:
                return None
            if 0xC0 <= status < 0xE0:
                words.append(status << 16 | (data[at] & 0x7F) << 8)
                at += 1
            else:
                words.append(status << 16 | (data[at] & 0x7F) << 8 | data[at + 1] & 0x7F)
                at += 2
            ticks.append(tick)
    except IndexError:
        return None
    track.end = tick
    return track


class TempoMap:
    """Ticks (any shape) to seconds and back, through the tempo events of all tracks."""

    def __init__(self, tracks: list[MidiTrack], division: int) -> None:
        changes = sorted(
            (track.ticks[place], int.from_bytes(held, "big"))
            for track in tracks
            for place, (kind, held) in track.metas.items()
            if kind == TEMPO
        )
        self._at = np.array([0.0, *(tick for tick, _ in changes)])
        self._per_tick = np.array([500_000, *(tempo for _, tempo in changes)]) / 1e6 / division
        self._elapsed = np.concatenate([[0.0], np.cumsum(np.diff(self._at) * self._per_tick[:-1])])

    def seconds(self, ticks):
        index = np.searchsorted(self._at, ticks, side="right") - 1
        return self._elapsed[index] + (ticks - self._at[index]) * self._per_tick[index]

    def ticks(self, seconds):
        index = np.searchsorted(self._elapsed, seconds, side="right") - 1
        return self._at[index] + (seconds - self._elapsed[index]) / self._per_tick[index]


def without(track: MidiTrack, places: set[int]) -> bool:
    """Take the events at those places out of a track; whether there were any."""
    if places:
        keep = [place for place in range(len(track.ticks)) if place not in places]
        reordered(track, keep)
    return bool(places)


def reordered(track: MidiTrack, order: list[int]) -> None:
    track.metas = {new: track.metas[old] for new, old in enumerate(order) if old in track.metas}
    track.ticks = [track.ticks[place] for place in order]
    track.words = [track.words[place] for place in order]


def cut_after(track: MidiTrack, last: float) -> None:
    """Leave out what comes after the last note of all."""
    without(track, {place for place, tick in enumerate(track.ticks) if tick > last})
    track.end = min(track.end, int(last))


def note_events(track: MidiTrack) -> tuple[np.ndarray, np.ndarray]:
    """Ticks and words of note events: float64 (n,), since ticks may pass every whole number of numpy's, and int64 (n,)."""
    words = np.array(track.words, np.int64)
    chosen = (words >> 21) == 4  # status 0x8n and 0x9n
    return np.array(track.ticks, np.float64)[chosen], words[chosen]


def write_tracks(tracks: list[MidiTrack], division: int) -> bytes:
    """The events as a MIDI file of type 1."""
    chunks = [b"MThd" + (6).to_bytes(4, "big") + b"".join(n.to_bytes(2, "big") for n in (1, len(tracks), division))]
    for track in tracks:
        body, before = bytearray(), 0
        for place, (tick, word) in enumerate(zip(track.ticks, track.words, strict=True)):
            status = word >> 16
            if status == META:
                kind, held = track.metas[place]
                if kind == END:
                    continue
                event = bytes([META, kind]) + variable_length(len(held)) + held
            else:
                event = bytes(
                    [status, word >> 8 & 0x7F] if 0xC0 <= status < 0xE0 else [status, word >> 8 & 0x7F, word & 0x7F]
                )
            body += _wait(tick - before) + event
            before = tick
        body += _wait(max(track.end - before, 0)) + bytes([META, END, 0])
        chunks.append(b"MTrk" + len(body).to_bytes(4, "big") + body)
    return b"".join(chunks)


def _wait(ticks: int) -> bytes:
    """A delta time; empty texts stand in between where it is longer than one can be."""
    out = b""
    while ticks > _MAX_DELTA:
        out += variable_length(_MAX_DELTA) + bytes([META, _TEXT, 0])
        ticks -= _MAX_DELTA
    return out + variable_length(ticks)


def variable_length(number: int) -> bytes:
    """A number as MIDI writes it: seven bits a byte, the last with a clear top bit."""
    out = [number & 0x7F]
    while number := number >> 7:
        out.insert(0, number & 0x7F | 0x80)
    return bytes(out)
