"""`events` read and written right: repeated notes, doubled OFFs, cut-off ends and the last bar. The default for users.

The ids are those of midi-emotion, and at one moment ONs come before OFFs as its models have learnt; only an OFF whose key is
struck again at that moment comes before everything else. Shifts are counted from a grid of 8 ms that starts at 0, so that
rounding does not add up. What is encoded here decodes to the same notes here and by midi-emotion's own rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from klangbild.models.aria.decode_strict import TimedNote
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

_PRIORITY = {name: rank for rank, name in enumerate(("drums", "bass", "guitar", "piano", "strings"))}
_MAX_STEPS = MAX_SHIFT_MS // GRID_MS


def encode_clean(notes: Iterable[TimedNote], *, length_s: float = 0.0) -> np.ndarray:
    """Notes in seconds -> ids (n,) int64 without `<START>`. Pitches outside 21..108 are left out.

    A key that is struck while it sounds ends the earlier note; of notes struck together the longest stays. `length_s`: where
    the piece ends, if that is after the last note.
    """
    events = []
    for key, spans in _spans(notes).items():
        starts = {start for start, _ in spans}
        instrument, pitch = key
        index, priority = INSTRUMENTS.index(instrument), _PRIORITY[instrument]
        for start, end in spans:
            events.append((start, 1, priority, pitch, note_id(index, pitch, on=True)))
            events.append((end, 0 if end in starts else 2, priority, pitch, note_id(index, pitch, on=False)))
    ids: list[int] = []
    now = 0
    for step, *_, token in sorted(events):
        ids += shifts(step - now)
        now = step
        ids.append(token)
    ids += shifts(_step(length_s) - now)
    return np.array(ids, dtype=np.int64)


def shifts(steps: int) -> list[int]:
    """TIMESHIFT ids for a gap of so many 8 ms steps: whole seconds first. None for a gap of 0 or less.

    >>> shifts(126), shifts(0)
    ([1006, 882], [])
    """
    if steps <= 0:
        return []
    seconds, rest = divmod(steps, _MAX_STEPS)
    return [shift_id(MAX_SHIFT_MS)] * seconds + ([shift_id(rest * GRID_MS)] if rest else [])


def decode_clean(ids: Iterable[int]) -> tuple[list[TimedNote], float]:
    """Ids -> (notes sorted by start, where the last shift ends in seconds).

    An ON over a sounding key ends the earlier note; a second OFF does nothing; notes still sounding at the end last until
    there; every note lasts at least 8 ms. Special ids are passed over.
    """
    now = 0
    started: dict[tuple[str, int], int] = {}
    rows: list[tuple[int, str, int, int]] = []

    def end(key: tuple[str, int], step: int) -> None:
        start = started.pop(key)
        rows.append((start, *key, max(step, start + 1)))

    for token in map(int, ids):
        if is_shift(token):
            now += shift_ms(token) // GRID_MS
        elif is_note(token):
            instrument, on, pitch = parse_note(token)
            key = (INSTRUMENTS[instrument], pitch)
            if key in started and (not on or started[key] < now):
                end(key, now)
            if on:
                started.setdefault(key, now)
    for key in list(started):
        if started[key] < now:  # struck at the very end: nothing of it would be heard
            end(key, now)
    seconds_per_step = GRID_MS / 1000.0
    notes = [
        TimedNote(name, pitch, round(start * seconds_per_step, 6), round(stop * seconds_per_step, 6))
        for start, name, pitch, stop in sorted(rows)
    ]
    return notes, round(now * seconds_per_step, 6)


def _spans(notes: Iterable[TimedNote]) -> dict[tuple[str, int], list[tuple[int, int]]]:
    """(instrument, pitch) -> (first step, last step exclusive) of its notes, in order and never overlapping."""
    longest: dict[tuple[str, int], dict[int, int]] = {}
    for note in notes:
        if MIN_PITCH <= note.pitch <= MAX_PITCH:
            start = _step(note.start_s)
            ends = longest.setdefault((note.instrument, note.pitch), {})
            ends[start] = max(ends.get(start, 0), _step(note.end_s), start + 1)
    return {key: _cut(sorted(ends.items())) for key, ends in longest.items()}


def _cut(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    following = [start for start, _ in spans[1:]] + [None]
    return [(s, e if n is None else min(e, n)) for (s, e), n in zip(spans, following, strict=True)]


def _step(seconds: float) -> int:
    return round(seconds * 1000.0 / GRID_MS)
