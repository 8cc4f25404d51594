"""A MIDI file as one file for each of its parts, all with the same tempo map, meters, keys and markers, for programs that take parts one by one."""

from __future__ import annotations

from dataclasses import dataclass

from klangbild.music.midi_track import END, MidiTrack, read_track, write_tracks

_TEXT, _COPYRIGHT, _NAME, _MARKER, _CUE = 0x01, 0x02, 0x03, 0x06, 0x07
_OF_ALL = frozenset({0x51, 0x54, 0x58, 0x59, _COPYRIGHT, _MARKER, _CUE})
"""Events that hold for all tracks: tempo, SMPTE offset, meter, key, copyright, markers and cues."""


@dataclass(frozen=True)
class MidiPart:
    """One part. name: of its track; "" where it has none. data: a MIDI file of type 1: what holds for all, and the part."""

    name: str
    data: bytes


def midi_parts(data: bytes) -> list[MidiPart]:
    """The parts of a whole MIDI file of ours (or one that was put right), each with at least one note. Its text (the record) is left out."""
    division = int.from_bytes(data[12:14], "big")
    tracks = [track for track in map(read_track, _chunks(data)) if track is not None]
    end = max((track.end for track in tracks), default=0)
    shared = sorted(
        ((track.ticks[place], number, place) for number, track in enumerate(tracks) for place in _shared(track)),
    )  # fmt: skip
    conductor = MidiTrack(end=end)
    for tick, number, place in shared:
        _append(conductor, tick, tracks[number].words[place], tracks[number].metas[place])
    return [
        MidiPart(_name(track), write_tracks([conductor, _alone(track)], division)) for track in tracks if _sounds(track)
    ]


def _chunks(data: bytes) -> list[bytes]:
    found, at = [], 14
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] == b"MTrk":
            found.append(data[at + 8 : at + 8 + size])
        at += 8 + size
    return found


def _shared(track: MidiTrack) -> list[int]:
    return [place for place, (kind, _) in track.metas.items() if kind in _OF_ALL]


def _sounds(track: MidiTrack) -> bool:
    return any(word >> 20 == 0x9 and word & 0x7F for word in track.words)


def _name(track: MidiTrack) -> str:
    return next((held.decode("utf-8", "replace") for kind, held in track.metas.values() if kind == _NAME), "")


def _alone(track: MidiTrack) -> MidiTrack:
    """The part without what stands in the conductor's track, and without texts."""
    own = MidiTrack(end=track.end)
    for place, (tick, word) in enumerate(zip(track.ticks, track.words, strict=True)):
        meta = track.metas.get(place)
        if meta is None or meta[0] not in _OF_ALL | {_TEXT, END}:
            _append(own, tick, word, meta)
    return own


def _append(track: MidiTrack, tick: int, word: int, meta: tuple[int, bytes] | None) -> None:
    if meta is not None:
        track.metas[len(track.ticks)] = meta
    track.ticks.append(tick)
    track.words.append(word)
