"""Notes of a MIDI file that nothing ends, or that are held beyond all measure, are let go.

A note that is never switched off ends where its key is struck again, at "all notes off", or with its track.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from klangbild.errors import InputError
from klangbild.music.midi_track import MidiTrack, TempoMap, note_events, reordered

MAX_HELD_S = 360_000.0
"""All notes' lengths added up: a hundred at once for an hour."""
MAX_NOTE_S = 300.0
"""A note held longer is let go there, and it is told."""
_ALL_OFF = (120, 123)


def let_go(tracks: list[MidiTrack], *, last: float, division: int, clock: TempoMap, name: str) -> list[str]:
    """End what is never switched off, and what is held beyond all measure; says so in words. Changes `tracks`.

    Raises:
        InputError: the notes together last longer than `MAX_HELD_S`.
    """
    unended, too_long, held_s = 0, 0, 0.0
    for track in tracks:
        ticks, words = note_events(track)
        if not len(ticks):
            continue
        closed = _closed(track)
        is_on = ((words >> 20) == 9) & ((words & 0x7F) > 0)
        key = words >> 8 & 0xF7F  # channel and pitch
        order = np.argsort(key, kind="stable")
        starts = np.flatnonzero(np.diff(key[order], prepend=-1))
        at_s = clock.seconds(ticks)
        turns, lengths = _in_turns(order, starts, is_on, at_s)
        held_s += float(lengths.sum())
        ends: list[tuple[int, int]] = []
        for number in np.flatnonzero(~turns):
            rows = order[starts[number] : starts[number + 1] if number + 1 < len(starts) else len(order)]
            pairs, open_rows = _paired(rows, is_on)
            word = 0x80 << 16 | int(key[rows[0]]) << 8 | 64
            for on, off in pairs:
                length_s = at_s[off] - at_s[on]
                if length_s > MAX_NOTE_S:
                    ends.append((int(clock.ticks(at_s[on] + MAX_NOTE_S)), word))
                    too_long += 1
                held_s += min(length_s, MAX_NOTE_S)
            struck = ticks[rows[is_on[rows]]]
            channel = int(key[rows[0]]) >> 8 & 0xF
            for on in open_rows:
                begin = ticks[on]
                end = track.end if begin < track.end <= last else last
                ends_there = [
                    _next(struck, begin),
                    _next(closed[channel], begin),
                    end if end > begin else begin + division,
                ]
                end = int(min(*ends_there, float(clock.ticks(at_s[on] + MAX_NOTE_S))))
                ends.append((end, word))
                unended += 1
                held_s += float(clock.seconds(end) - at_s[on])
        if ends:
            _insert(track, ends)
    if held_s > MAX_HELD_S:
        raise InputError(
            f"{name}: holds its notes for {held_s / 3600:,.0f} hours together, more than the {MAX_HELD_S / 3600:.0f} "
            "that are read; split it"
        )
    told = []
    if unended:
        told.append(f"{_count(unended)} never switched off and made to end")
    if too_long:
        told.append(f"{_count(too_long)} held for more than {MAX_NOTE_S / 60:.0f} minutes and let go there")
    return told


def _count(n: int) -> str:
    return "1 note is" if n == 1 else f"{n:,} notes are"


def _in_turns(
    order: np.ndarray, starts: np.ndarray, is_on: np.ndarray, at_s: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """bool (keys,): ons and offs of this key take turns, and no note is too long: nearly every key. Lengths in s of those notes."""
    on = is_on[order]
    group = np.repeat(np.arange(len(starts)), np.diff([*starts, len(order)]))
    turns = on[starts] & ~on[[*(starts[1:] - 1), len(order) - 1]]
    turns[group[1:][(group[1:] == group[:-1]) & (on[1:] == on[:-1])]] = False
    rows = order[turns[group]]
    lengths = at_s[rows[1::2]] - at_s[rows[::2]]
    too_long = lengths > MAX_NOTE_S
    if too_long.any():
        turns[group[turns[group]][::2][too_long]] = False
        rows = order[turns[group]]
        lengths = at_s[rows[1::2]] - at_s[rows[::2]]
    return turns, lengths


def _paired(rows: np.ndarray, is_on: np.ndarray) -> tuple[list[tuple[int, int]], list[int]]:
    """Events of one key -> (on, off) of each note, and the ons that nothing ends.

    The first that is held is the first to end, as readers have it, unless one is never ended: then the latest ends.
    """
    for first in (True, False):
        pairs: list[tuple[int, int]] = []
        held: deque[int] = deque()
        for row in rows.tolist():
            if is_on[row]:
                held.append(row)
            elif held:
                pairs.append((held.popleft() if first else held.pop(), row))
        if not held:
            break
    return pairs, list(held)


def _next(ticks: np.ndarray, after: float) -> float:
    """The first of sorted ticks that comes after one."""
    place = int(np.searchsorted(ticks, after, side="right"))
    return float(ticks[place]) if place < len(ticks) else float("inf")


def _closed(track: MidiTrack) -> list[np.ndarray]:
    """Ticks of "all notes off" and "all sound off", for each channel."""
    words, ticks = np.array(track.words, np.int64), np.array(track.ticks, np.float64)
    closing = ((words >> 20) == 0xB) & np.isin(words >> 8 & 0x7F, _ALL_OFF)
    return [ticks[closing & ((words >> 16 & 0xF) == channel)] for channel in range(16)]


def _insert(track: MidiTrack, ends: list[tuple[int, int]]) -> None:
    """Put note-offs into a track, each ahead of what else stands at its tick."""
    n = len(ends)
    track.metas = {place + n: meta for place, meta in track.metas.items()}
    track.ticks = [tick for tick, _ in ends] + track.ticks
    track.words = [word for _, word in ends] + track.words
    reordered(track, sorted(range(len(track.ticks)), key=track.ticks.__getitem__))
    track.end = max(track.end, max(tick for tick, _ in ends))
