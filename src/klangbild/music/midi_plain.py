"""A MIDI file of anybody's, looked through before it is read: what is no MIDI is refused in one line, what is odd is put right.

The reader (symusic, in C++) trusts its bytes. So every event is walked over here first: times are added up, limits are held
before any work is done, and a file that is sound but odd (SMPTE timing, a tempo of 0, notes never switched off, an RMI or MacBinary
wrapping, ...) is written anew in plain form. The bytes of an ordinary file go through untouched.

Reference: Standard MIDI Files 1.1 (MMA, 1996); RIFF RMID (MMA RP-029).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.input_file import open_input
from klangbild.music.midi_held import let_go
from klangbild.music.midi_track import (
    END,
    KEY,
    META,
    METER,
    TEMPO,
    MidiTrack,
    TempoMap,
    cut_after,
    note_events,
    read_track,
    without,
    write_tracks,
)  # fmt: skip

MIDI_ENDINGS = (".mid", ".midi", ".rmi", ".kar")

MAX_S = 3600.0
"""Longest music of others that is read, to the end of its last note."""
MAX_CONTINUED_S = 600.0
"""Longest music that a piece goes on from: the model reads all of it, and no piece of ours is longer."""
MAX_REST_S = 600.0
"""No music has a longer rest; a file that has one is damaged or a trap."""
MAX_BYTES = 8_000_000
MAX_NOTES = 200_000
MAX_BEATS = 36_000
"""An hour at 600 bpm: what is shorter than `MAX_S` only by an absurd tempo has more."""

_LAST_TICK = 2**31 - 1
_MIN_BAR_BEATS, _MAX_BAR_BEATS = 0.25, 128.0
_DAMAGED = "export it again from the program it came from"
# what a player would obey and a piece of ours has not: controller -> its name, and the values that change nothing
_CONTROLLERS = {
    64: ("the sustain pedal", range(64)), 66: ("sostenuto", range(64)), 67: ("the soft pedal", range(64)),
    7: ("volume (CC7)", (100,)), 11: ("expression (CC11)", (127,)), 10: ("pan (CC10)", (64,)), 1: ("modulation (CC1)", (0,)),
    0: ("bank select", (0,)), 65: ("portamento", range(64)), 68: ("legato", range(64)),
}  # fmt: skip
_NEVER_PLAYED = (65, 67, 68)
_NO_BEND = 64 << 7


@dataclass(frozen=True)
class PlainMidi:
    """data: MIDI bytes that can be trusted. tracks: their events; division: ticks of a beat. told: what was put right, passed over, or
    will not be heard, in words."""

    data: bytes
    tracks: list[MidiTrack]
    division: int
    told: tuple[str, ...] = ()


def plain_midi(data: bytes, name: str, *, performed: bool = False) -> PlainMidi:
    """Bytes of anybody's -> trustworthy bytes, written anew where something was odd. performed: its controllers
    will be heard.

    Raises:
        InputError: it is no MIDI file, is damaged, has no usable time, or is beyond a limit.
    """
    check_size(len(data), name)
    whole, told = _unwrapped(data, name), []
    kind, named_tracks, division, at = _header(whole, name)
    tracks = _tracks(whole, at, name)
    if not tracks:
        raise InputError(f"{name}: is a MIDI file without tracks; {_DAMAGED}")
    rewrite = whole is not data or at != 14 or named_tracks != len(tracks) or any(track.odd for track in tracks)
    if named_tracks > len(tracks):
        told.append(f"it names {named_tracks} tracks and holds {len(tracks)}")
    elif 0 < named_tracks < len(tracks):
        told.append(f"{len(tracks) - named_tracks} tracks more than its header names are left out")
        del tracks[named_tracks:]
    if kind == 2 and len(tracks) > 1:
        _one_after_the_other(tracks)
        told.append("its patterns (type 2) are put one after the other")
        rewrite = True
    if division & 0x8000:
        division = _in_beats(tracks, division, name)
        told.append("SMPTE timing: beats are counted at 120 bpm")
        rewrite = True
    for passed_over in (_passed_over_tempos, _passed_over_meters, _passed_over_keys):
        if words := passed_over(tracks):
            told.append(words)
            rewrite = True
    clock = TempoMap(tracks, division)
    ticks = np.unique(np.concatenate([note_events(track)[0] for track in tracks]))
    _check_length(ticks, division, clock, name)
    last = float(ticks[-1]) if len(ticks) else 0.0
    if held := let_go(tracks, last=last, division=division, clock=clock, name=name):
        told += held
        rewrite = True
    if max(track.end for track in tracks) > _LAST_TICK:
        for track in tracks:
            cut_after(track, last)
        rewrite = True
    if silent := _unplayed(tracks, performed=performed):
        told.append(silent)
    return PlainMidi(write_tracks(tracks, division) if rewrite else data, tracks, division, tuple(told))


def read_bytes(path: str | Path) -> bytes:
    """At most so many of a file's bytes as `check_size` refuses. Raises InputError: it cannot be read."""
    with open_input(path) as file:
        return file.read(MAX_BYTES + 1)


def check_size(n_bytes: int, name: str) -> None:
    """Raises InputError for a file of no or too many bytes."""
    if n_bytes == 0:
        raise InputError(f"{name}: is empty; give a .mid file")
    if n_bytes > MAX_BYTES:
        raise InputError(f"{name}: is larger than {MAX_BYTES // 1_000_000} MB, the most that is read; split it")


# --- wrapping, header, tracks ----------------------------------------------------------------------------------------


def _unwrapped(data: bytes, name: str) -> bytes:
    """The MIDI bytes inside a RIFF RMID or MacBinary file; `data` itself where nothing is around it."""
    if data[:4] == b"MThd":
        return data
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        at = 12
        while at + 8 <= len(data):
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            if data[at : at + 4] == b"data" and data[at + 8 : at + 12] == b"MThd":
                return data[at + 8 : at + 8 + size]
            at += 8 + size + size % 2
        raise InputError(f"{name}: is an RMI file without MIDI in it; {_DAMAGED}")
    if data[0] == 0 and data[128:132] == b"MThd":
        size = int.from_bytes(data[83:87], "big")
        return data[128 : 128 + size] if 14 <= size <= len(data) - 128 else data[128:]
    raise InputError(f"{name}: is not a MIDI file (it has no MThd header); give a .mid file")


def _header(data: bytes, name: str) -> tuple[int, int, int, int]:
    """(type 0..2, tracks it names, division, where the first chunk after it stands)."""
    size = int.from_bytes(data[4:8], "big")
    if len(data) < 14 or size < 6 or 8 + size > len(data):
        raise InputError(f"{name}: is a damaged MIDI file (its header is cut off); {_DAMAGED}")
    kind, tracks, division = (int.from_bytes(data[at : at + 2], "big") for at in (8, 10, 12))
    if division == 0:
        raise InputError(f"{name}: has a time division of 0, so that its notes have no time; {_DAMAGED}")
    return kind, tracks, division, 8 + size


def _tracks(data: bytes, at: int, name: str) -> list[MidiTrack]:
    """Every MTrk chunk, in order; alien chunks and what stands behind the last one are passed over."""
    tracks: list[MidiTrack] = []
    n_notes = 0
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        if kind == b"MTrk":
            track = read_track(data[at + 8 : at + 8 + size])
            if track is None or (at + 8 + size > len(data) and not _ended(track)):
                what = "is cut off in" if at + 8 + size > len(data) else "cannot be read in"
                raise InputError(f"{name}: is a damaged MIDI file ({what} track {len(tracks) + 1}); {_DAMAGED}")
            track.odd |= at + 8 + size > len(data)
            tracks.append(track)
            words = np.array(track.words, np.int64)
            n_notes += int(((words >> 20 == 9) & (words & 0xFF > 0)).sum())
            if n_notes > MAX_NOTES:
                raise InputError(f"{name}: has more than {MAX_NOTES:,} notes, the most that are read; split it")
        at += 8 + size
    return tracks


def _ended(track: MidiTrack) -> bool:
    return bool(track.metas) and track.metas[max(track.metas)][0] == END


# --- time ------------------------------------------------------------------------------------------------------------


def _in_beats(tracks: list[MidiTrack], division: int, name: str) -> int:
    """SMPTE frames -> the division of beats of half a second; ticks are doubled so that each stays where it was."""
    frames, ticks = 256 - (division >> 8), division & 0xFF
    if frames not in (24, 25, 29, 30) or ticks == 0:
        raise InputError(
            f"{name}: has SMPTE timing of {frames} frames a second and {ticks} ticks a frame, which MIDI does not know; {_DAMAGED}"
        )
    for track in tracks:
        without(track, {place for place, (kind, _) in track.metas.items() if kind == TEMPO})
        track.ticks = [2 * tick for tick in track.ticks]
        track.end *= 2
    # "29" is 30 frames in 1.001 s
    tempo = 500_500 if frames == 29 else 500_000
    track = tracks[0]
    track.metas = {0: (TEMPO, tempo.to_bytes(3, "big")), **{place + 1: meta for place, meta in track.metas.items()}}
    track.ticks.insert(0, 0)
    track.words.insert(0, META << 16 | TEMPO << 8)
    return (30 if frames == 29 else frames) * ticks


def _one_after_the_other(tracks: list[MidiTrack]) -> None:
    begin = 0
    for track in tracks:
        track.ticks = [begin + tick for tick in track.ticks]
        track.end += begin
        begin = track.end


def _passed_over_tempos(tracks: list[MidiTrack]) -> str:
    bad = [without(t, _places(t, TEMPO, lambda held: len(held) == 3 and any(held))) for t in tracks]
    return "a tempo of 0 is passed over" if any(bad) else ""


def _passed_over_meters(tracks: list[MidiTrack]) -> str:
    def usable(held: bytes) -> bool:
        return len(held) >= 2 and held[1] <= 7 and _MIN_BAR_BEATS <= 4 * held[0] / 2 ** held[1] <= _MAX_BAR_BEATS

    bad = [without(t, _places(t, METER, usable)) for t in tracks]
    return "a meter that cannot be is passed over" if any(bad) else ""


def _passed_over_keys(tracks: list[MidiTrack]) -> str:
    bad = [without(t, _places(t, KEY, lambda held: len(held) >= 2)) for t in tracks]
    return "a key that cannot be is passed over" if any(bad) else ""


def _places(track: MidiTrack, kind: int, usable: Callable[[bytes], bool]) -> set[int]:
    """Where metas of a kind stand that are not usable."""
    return {place for place, (meta, held) in track.metas.items() if meta == kind and not usable(held)}


def _check_length(ticks: np.ndarray, division: int, clock: TempoMap, name: str) -> None:
    """ticks: where notes begin and end, in order."""
    if not len(ticks):
        return
    check_seconds(float(clock.seconds(ticks[-1])), MAX_S, name)
    if ticks[-1] / division > MAX_BEATS:
        raise InputError(f"{name}: is longer than {MAX_BEATS:,} beats, the most that are read; cut it into parts")
    rest_s = float(np.diff(clock.seconds(ticks), prepend=0.0).max())
    if rest_s > MAX_REST_S:
        raise InputError(
            f"{name}: nothing happens in it for {_in_words(rest_s)}, longer than the {MAX_REST_S / 60:.0f} minutes of rest "
            "that are read; cut the rest out"
        )


def check_seconds(seconds: float, longest_s: float, name: str) -> None:
    """Raises InputError for music longer than `longest_s`."""
    if seconds > longest_s:
        raise InputError(
            f"{name}: lasts {_in_words(seconds)}, longer than the {longest_s / 60:.0f} minutes that are read; cut it into parts"
        )


def _in_words(seconds: float) -> str:
    for size, unit in ((86400 * 365.25, "years"), (86400, "days"), (3600, "hours")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{math.ceil(seconds / 60)} minutes"


# --- what will not be heard -------------------------------------------------------------------------------------------


def _unplayed(tracks: list[MidiTrack], *, performed: bool) -> str:
    words = np.unique(np.concatenate([np.array(track.words, np.int64) for track in tracks]))
    kind, first, second = words >> 20, words >> 8 & 0x7F, words & 0x7F
    found = [
        name
        for controller, (name, quiet) in _CONTROLLERS.items()
        if (not performed or controller in _NEVER_PLAYED)
        and not set(second[(kind == 0xB) & (first == controller)].tolist()) <= set(quiet)
    ]
    if not performed and ((second << 7 | first) != _NO_BEND)[kind == 0xE].any():
        found.append("pitch bend")
    if ((kind == 0xD) & (first > 0) & (not performed) | (kind == 0xA) & (second > 0)).any():
        found.append("aftertouch of single keys" if performed else "aftertouch")
    if not found:
        return ""
    return f"{', '.join(found[:-1])}{' and ' if len(found) > 1 else ''}{found[-1]} {'is' if len(found) == 1 else 'are'} not played"
