"""The MIDI file that midi-emotion writes, and the notes that come back from it, tick for tick.

It writes through pretty_midi: 120 bpm, 220 ticks a beat, so that the 8 ms grid is not exact in the file (0.496 s reads back
as 0.49545 s); five tracks, always; an OFF is an ON of velocity 0. At equal ticks lower pitches come first and an OFF before
an ON, so that notes of no length are lost. Ours (`klangbild.music.midi`) keeps the grid; this is for parity only.
"""

from __future__ import annotations

from collections.abc import Iterable

from klangbild.models.aria.decode_strict import PROGRAMS, TRACK_ORDER, TimedNote

TICKS_PER_BEAT = 220
SECONDS_PER_TICK = 60.0 / (120.0 * TICKS_PER_BEAT)
_MICROSECONDS_PER_BEAT = 500_000


def to_strict_midi_bytes(notes: Iterable[TimedNote]) -> bytes:
    """The bytes of the type-1 file that midi-emotion would write for these notes."""
    by_track: dict[str, list[TimedNote]] = {name: [] for name in TRACK_ORDER}
    for note in notes:
        by_track[note.instrument].append(note)
    tempo = b"\x00\xff\x51\x03" + _MICROSECONDS_PER_BEAT.to_bytes(3, "big")
    chunks = [_chunk(tempo + b"\x00\xff\x58\x04\x04\x02\x18\x08")]
    for index, name in enumerate(TRACK_ORDER):
        # channel 9 is the drums'; the others are numbered by their place among the tracks
        channel = 9 if name == "drums" else index
        title = name.encode("ascii")
        body = b"\x00\xff\x03" + bytes([len(title)]) + title + bytes([0, 0xC0 | channel, PROGRAMS[name]])
        last = 0
        for number, (tick, pitch, velocity) in enumerate(_events(by_track[name])):
            body += (
                _variable_length(tick - last) + (b"" if number else bytes([0x90 | channel])) + bytes([pitch, velocity])
            )
            last = tick
        chunks.append(_chunk(body))
    header = b"MThd" + (6).to_bytes(4, "big") + (1).to_bytes(2, "big")
    return header + len(chunks).to_bytes(2, "big") + TICKS_PER_BEAT.to_bytes(2, "big") + b"".join(chunks)


def notes_from_file(notes: Iterable[TimedNote]) -> list[TimedNote]:
    """The notes that a reader finds in the file written for `notes`: on its ticks, in the order in which they end."""
    by_track: dict[str, list[TimedNote]] = {name: [] for name in TRACK_ORDER}
    for note in notes:
        by_track[note.instrument].append(note)
    found: list[TimedNote] = []
    for name in TRACK_ORDER:
        sounding: dict[int, list[int]] = {}
        for tick, pitch, velocity in _events(by_track[name]):
            if velocity:
                sounding.setdefault(pitch, []).append(tick)
            elif pitch in sounding:
                starts = sounding.pop(pitch)
                ended = [start for start in starts if start != tick]
                kept = [start for start in starts if start == tick]
                found += [TimedNote(name, pitch, s * SECONDS_PER_TICK, tick * SECONDS_PER_TICK) for s in ended]
                if ended and kept:
                    sounding[pitch] = kept
    return found


def _events(notes: Iterable[TimedNote]) -> list[tuple[int, int, int]]:
    """(tick, pitch, velocity) of every ON and OFF (velocity 0), in the order of the file."""
    rows = []
    for note in notes:
        rows.append((_tick(note.start_s), note.pitch, note.velocity))
        rows.append((_tick(note.end_s), note.pitch, 0))
    return sorted(rows)


def _tick(seconds: float) -> int:
    return round(seconds / SECONDS_PER_TICK)


def _variable_length(number: int) -> bytes:
    out = [number & 0x7F]
    while number := number >> 7:
        out.insert(0, number & 0x7F | 0x80)
    return bytes(out)


def _chunk(body: bytes) -> bytes:
    body += b"\x01\xff\x2f\x00"
    return b"MTrk" + len(body).to_bytes(4, "big") + body
