"""`events` exactly as midi-emotion reads and writes it, oddities included: for parity, and for feeding its models.

What is odd, and kept here (`events_clean` does it right):
* encoding: at one moment every ON comes before every OFF, so that a repeated note ends at once; each shift is rounded on
  its own, so that errors add up; bars without events are left out; the last bar is never stored;
* decoding: an OFF does not forget its ON, so that a second OFF writes a second note from the same start; an ON over a
  sounding note forgets the earlier one; notes that are never closed are lost.

Times are seconds. Reference: the published code's behaviour, as recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from klangbild.models.aria.vocabulary import (
    GRID_MS,
    INSTRUMENTS,
    MAX_PITCH,
    MAX_SHIFT_MS,
    MIN_PITCH,
    is_note,
    is_shift,
    note_id,
    parse_note,
    shift_id,
    shift_ms,
)

TRACK_ORDER: tuple[str, ...] = ("drums", "piano", "guitar", "bass", "strings")
"""The tracks of a written file, in order; always all five."""
PROGRAMS = {"drums": 0, "piano": 0, "guitar": 24, "bass": 32, "strings": 48}
VELOCITIES = {"drums": 120, "piano": 110, "guitar": 95, "bass": 127, "strings": 85}
_EVENT_PRIORITY = {"drums": 0, "bass": 1, "guitar": 2, "piano": 3, "strings": 4}
EXTRA_BARS = 2
"""How many bars are extrapolated after the last downbeat."""


@dataclass(frozen=True)
class TimedNote:
    """One note of an instrument (a name of `INSTRUMENTS`), MIDI pitch, in seconds."""

    instrument: str
    pitch: int
    start_s: float
    end_s: float

    @property
    def program(self) -> int:
        return PROGRAMS[self.instrument]

    @property
    def velocity(self) -> int:
        """Fixed per instrument, 1..127."""
        return VELOCITIES[self.instrument]


def decode_strict(ids: Iterable[int]) -> list[TimedNote]:
    """Ids -> notes, track by track (`TRACK_ORDER`), each in the order in which its OFFs come. Special ids are passed over."""
    cursor_s = 0.0
    started: dict[tuple[str, int], float] = {}
    tracks: dict[str, list[TimedNote]] = {name: [] for name in TRACK_ORDER}
    for token in map(int, ids):
        if is_shift(token):
            cursor_s += shift_ms(token) / 1000.0
        elif is_note(token):
            instrument, on, pitch = parse_note(token)
            name = INSTRUMENTS[instrument]
            if on:
                started[name, pitch] = cursor_s
            elif (name, pitch) in started:
                tracks[name].append(TimedNote(name, pitch, started[name, pitch], cursor_s))
    return [note for name in TRACK_ORDER for note in tracks[name]]


def count_instruments(ids: Iterable[int]) -> int:
    """Distinct instruments among ON and OFF ids, as midi-emotion counts them: an OFF without an ON counts too."""
    return len({parse_note(token)[0] for token in map(int, ids) if is_note(token)})


def encode_strict(notes: Sequence[TimedNote], downbeats_s: Sequence[float]) -> list[np.ndarray]:
    """Notes and downbeats (rising, seconds) -> the ids of each stored bar, int64 (n,) each.

    Two bars are added after the last downbeat, with the distance of the last two.

    Raises:
        ValueError: a note ends after the added bars (midi-emotion then drops the whole song), or there are no two downbeats.
    """
    if len(downbeats_s) < 2:
        raise ValueError("fewer than two downbeats: the length of a bar is not known")
    length_s = downbeats_s[-1] - downbeats_s[-2]
    downbeats = [round(float(at), 6) for at in downbeats_s]
    downbeats += [round(downbeats_s[-1] + length_s * (i + 1), 6) for i in range(EXTRA_BARS)]
    bars: list[np.ndarray] = []
    bar: list[int] = []
    bar_has_events = False
    index, cursor_s = 0, downbeats[0]
    for time_s, token in _sorted_events(notes):
        while time_s >= downbeats[index + 1]:
            bar += _shifts(cursor_s, downbeats[index + 1])
            if bar_has_events:
                bars.append(np.array(bar, dtype=np.int64))
            bar, bar_has_events = [], False
            index += 1
            cursor_s = downbeats[index]
            if index + 1 >= len(downbeats):
                raise ValueError(f"a note ends at {time_s} s, after the last bar")
        bar += _shifts(cursor_s, time_s)
        cursor_s = time_s
        bar.append(token)
        bar_has_events = True
    return bars


def _sorted_events(notes: Sequence[TimedNote]) -> list[tuple[float, int]]:
    rows = []
    for note in notes:
        if not MIN_PITCH <= note.pitch <= MAX_PITCH:
            continue
        instrument = INSTRUMENTS.index(note.instrument)
        for on, time_s in ((True, note.start_s), (False, note.end_s)):
            key = (round(time_s, 6), not on, _EVENT_PRIORITY[note.instrument], note.pitch)
            rows.append((key, note_id(instrument, note.pitch, on=on)))
    rows.sort(key=lambda row: row[0])
    return [(key[0], token) for key, token in rows]


def _shifts(from_s: float, to_s: float) -> list[int]:
    """TIMESHIFT ids for a gap: whole seconds first, then what is left rounded to 8 ms, at least 8 ms."""
    gap_ms = round(to_s * 1000.0) - round(from_s * 1000.0)
    if gap_ms <= 0:
        return []
    seconds, rest = divmod(gap_ms, MAX_SHIFT_MS)
    ids = [shift_id(MAX_SHIFT_MS)] * seconds
    if rest:
        ids.append(shift_id(max(round(rest / GRID_MS) * GRID_MS, GRID_MS)))
    return ids


def transpose(ids: np.ndarray, semitones: int) -> np.ndarray:
    """Ids (n,) -> ids (n,) int64, every pitched note moved by `semitones`, except those that would leave 21..108:
    these stay where they are."""
    ids = np.array(ids, dtype=np.int64)
    if semitones == 0:
        return ids
    lowest, highest = note_id(1, MIN_PITCH, on=False), note_id(len(INSTRUMENTS) - 1, MAX_PITCH, on=True)
    pitched = (ids >= lowest) & (ids <= highest)  # every instrument but the drums, whose ids come first
    offset = (ids - lowest) % (MAX_PITCH - MIN_PITCH + 1) + semitones
    fits = (offset >= 0) & (offset <= MAX_PITCH - MIN_PITCH)
    return np.where(pitched & fits, ids + semitones, ids)
