"""A piece moved into another key, or into the other mode: pitches change, nothing else of a note does.

A mode is changed by its third, sixth and seventh. The seventh of a minor key stays raised where it sounds over the fifth, as it does in real minor
(harmonic minor); everything is reckoned from the one key that the piece as a whole is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from klangbild.editing.midi_events import DRUM_CHANNEL, KEY, Event, MidiEvents, Note, held_by, meta
from klangbild.editing.parts import Opened
from klangbild.music.going_on import key_heard
from klangbild.music.key import key_fits, pitch_class_histogram
from klangbild.music.midi import sharps_of
from klangbild.music.piece import Key

TO_MINOR, TO_MAJOR = {4: 3, 9: 8, 11: 10}, {3: 4, 8: 9, 10: 11}
_FIFTH, _LEADING = 7, 11
_UNCLEAR = 0.5
"""A key that fits less than so (a correlation) is no clear one."""


def in_key(opened: Opened, wish: Key) -> tuple[MidiEvents, tuple[str, ...]]:
    """The file moved from the key that sounds into another one, by the shorter way; and what its asker should know."""
    heard = key_heard(opened.piece)
    shift = (wish.tonic - heard.tonic + 5) % 12 - 5
    told = []
    pitches: dict[Note, int] = {}
    steps = {} if wish.mode == heard.mode else TO_MINOR if wish.mode == "minor" else TO_MAJOR
    if steps:
        pitched = [t.notes for t in opened.piece.tracks if not t.is_drum and len(t.notes)]
        fit = key_fits(pitch_class_histogram(np.concatenate(pitched))) if pitched else np.zeros((2, 12))
        if fit[int(heard.mode == "minor"), heard.tonic] < _UNCLEAR:
            told.append(f"--key {wish}: the piece is in no clear key; {heard} was taken for it")
    for note in _pitched(opened.events):
        step = (note.pitch - heard.tonic) % 12
        pitch = note.pitch + steps.get(step, step) - step
        if wish.mode == "minor" and step == _LEADING and _over_fifth(opened, note, heard):
            pitch = note.pitch
        pitches[note] = _within(pitch + shift)
    events = with_pitches(opened.events, pitches)
    return _signed(events, shift, wish, changes_mode=bool(steps)), tuple(told)


def with_pitches(events: MidiEvents, pitches: Mapping[Note, int]) -> MidiEvents:
    """The file with notes on other pitches; everything else of them stays."""
    tracks = [list(track) for track in events.tracks]
    for note, pitch in pitches.items():
        for place in (note.on, note.off):
            event = tracks[note.track][place]
            tracks[note.track][place] = Event(event.tick, bytes([event.data[0], pitch, event.data[2]]))
    return replace(events, tracks=tracks)


def _pitched(events: MidiEvents) -> list[Note]:
    return [note for note in events.notes() if note.channel != DRUM_CHANNEL]


def _within(pitch: int) -> int:
    return pitch - 12 if pitch > 127 else pitch + 12 if pitch < 0 else pitch


def _over_fifth(opened: Opened, note: Note, key: Key) -> bool:
    """Whether the fifth of the key sounds where a note begins."""
    beat = note.begin / opened.events.division
    for track in opened.piece.tracks:
        if track.is_drum or not len(track.notes):
            continue
        notes = track.notes
        sounds = (notes["onset"] <= beat + 1e-6) & (notes["onset"] + notes["duration"] > beat + 1e-6)
        if (notes["pitch"][sounds] % 12 == (key.tonic + _FIFTH) % 12).any():
            return True
    return False


def _signed(events: MidiEvents, shift: int, wish: Key, *, changes_mode: bool) -> MidiEvents:
    """The file with its key signatures moved along; with one at its start where it has none."""

    def moved(_: int, event: Event) -> Event:
        if not event.is_meta or event.data[1] != KEY:
            return event
        held = held_by(event)[1]
        if len(held) < 2:
            return event
        sharps, minor = int.from_bytes(held[:1], "big", signed=True), held[1] == 1
        tonic = (7 * sharps + (9 if minor else 0) + shift) % 12
        key = Key(tonic, "minor" if minor else "major")
        if changes_mode or event.tick == 0:
            key = wish if event.tick == 0 else Key(tonic, wish.mode)
        return meta(event.tick, KEY, _signature(key))

    has = any(e.is_meta and e.data[1] == KEY and e.tick == 0 for track in events.tracks for e in track)
    out = events.changed(moved)
    if not has and out.tracks:
        out = replace(out, tracks=[[meta(0, KEY, _signature(wish)), *out.tracks[0]], *out.tracks[1:]])
    return out


def _signature(key: Key) -> bytes:
    return sharps_of(key).to_bytes(1, "big", signed=True) + bytes([int(key.mode == "minor")])
