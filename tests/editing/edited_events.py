"""What tests of editing share: files to edit, and what of a file an edit may not touch."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np

from klangbild.editing.midi_events import MidiEvents, ticks_of
from klangbild.editing.parts import opened
from klangbild.models.bars.bars_window import BarLines
from klangbild.models.engines import load_notes_engine
from klangbild.music.midi import without_record
from klangbild.settings import Settings


@lru_cache(maxsize=1)
def engine():
    """The shipped notes model."""
    return load_notes_engine(Settings())


def span_ticks(midi: bytes, first: int, last: int) -> tuple[int, int]:
    """Ticks of bars counted from 0, the last one not in it."""
    file = opened(without_record(midi), "test")
    begin, end = ticks_of(BarLines.of(file.piece).starts[[first, last]], file.events.division)
    return int(begin), int(end)


def kept(midi: bytes, spans: list[tuple[int, int]], families: set[str] | None = None) -> Counter:
    """All that an edit of spans (in ticks) leaves alone: every event that is no note, by track, tick and bytes, and every note that begins outside
    or is of another family, with its track, channel, ticks, pitch, velocity."""
    events = MidiEvents.read(without_record(midi))
    programs = events.programs()
    found: Counter = Counter()
    for number, track in enumerate(events.tracks):
        found.update(
            (number, e.tick, e.data) for e in track if not (e.channel is not None and (e.strikes or e.releases))
        )
    for note in events.notes():
        inside = any(begin <= note.begin < end for begin, end in spans)
        mine = families is None or programs.family(note.channel, note.begin) in families
        if not (inside and mine):
            found[note.track, note.channel, note.begin, note.end, note.pitch, note.velocity] += 1
    return found


def random_span(rng: np.random.Generator, n_bars: int, most: int = 4) -> tuple[int, int]:
    """Bars from 0, the last one not in it."""
    first = int(rng.integers(n_bars))
    return first, min(first + int(rng.integers(1, most + 1)), n_bars)


def foreign_midi() -> bytes:
    """A file as other programs write them: 96 ticks, one track of its own for tempi, running status, a pedal, a sysex, a bend, two programs in
    one channel, a meter that changes, notes across bar lines."""
    from klangbild.music.midi_track import variable_length

    def chunk(events: list[tuple[int, bytes]]) -> bytes:
        body, before = b"", 0
        for tick, data in events:
            body += variable_length(tick - before) + data
            before = tick
        body += b"\x00\xff\x2f\x00"
        return b"MTrk" + len(body).to_bytes(4, "big") + body

    bar, beat = 384, 96
    conductor = [
        (0, b"\xff\x03\x05Title"), (0, b"\xff\x58\x04\x04\x02\x18\x08"), (0, b"\xff\x51\x03\x07\xa1\x20"),
        (3 * bar + 48, b"\xff\x51\x03\x08\x52\xb0"), (8 * bar, b"\xff\x58\x04\x03\x02\x18\x08"), (8 * bar, b"\xff\x06\x04Coda"),
    ]  # fmt: skip
    piano = [(0, b"\xff\x03\x05Piano"), (0, b"\xf0\x05\x7e\x7f\x09\x01\xf7"), (0, b"\xc0\x03"), (0, b"\xb0\x07\x64")]
    chords = [(60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62)]
    for number in range(11):
        at = number * bar if number < 8 else 8 * bar + (number - 8) * 288
        piano.append((at, b"\xb0\x40\x7f"))
        chord = chords[number % 4]
        for place in range(3):
            on, off = at + place * beat, at + place * beat + 90
            piano.append((on, bytes([0x90, chord[0], 80, chord[1], 70, chord[2], 75])[:3]))
            piano += [(on, bytes([0x90, chord[k], 70 + k])) for k in (1, 2)]
            piano += [(off, bytes([0x90, chord[k], 0])) for k in range(3)]
        piano.append((at + 280, b"\xb0\x40\x00"))
    piano.append((5 * bar, b"\xc0\x30"))  # from bar 6 on the channel is strings
    lead = [(0, b"\xc2\x49"), (0, b"\xe2\x00\x40")]
    for number in range(22):
        on = 40 + number * 190
        lead += [(on, bytes([0x92, 72 + (number * 5) % 12, 90])), (on + 180, bytes([0x82, 72 + (number * 5) % 12, 10]))]
    lead.append((700, b"\xe2\x00\x50"))
    drums = []
    for number in range(40):
        drums += [
            (number * beat, bytes([0x99, 36 if number % 2 else 38, 100])),
            (number * beat + 10, bytes([0x99, 36 if number % 2 else 38, 0])),
        ]
    tracks = [sorted(rows, key=lambda row: row[0]) for rows in (conductor, piano, lead, drums)]
    return b"MThd\x00\x00\x00\x06\x00\x01\x00\x04\x00\x60" + b"".join(chunk(rows) for rows in tracks)
