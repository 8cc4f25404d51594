"""Bars written anew: what goes, what the notes model writes in its place, and how that becomes events of the file.

What begins in the bars goes, with its end, wherever that is. What sounds into them from before stays whole. New notes end with the bars at the
latest, go to the part of their family that plays there (of several to the one whose notes lie nearest), and give way to what stays: where
a key is held already they are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from klangbild.editing.midi_events import MidiEvents, Note, Programs, ticks_of
from klangbild.editing.parts import Opened, Part, in_range, notes_in_beats
from klangbild.emotion.space import Emotion
from klangbild.errors import UsageError
from klangbild.models.bars.bars_window import BarLines
from klangbild.models.bars.fill import Gap, fill_gap
from klangbild.models.bars.notes_engine import NotesEngine
from klangbild.music.piece import Track

FILLS = 4


def written_anew(
    opened: Opened,
    spans: Sequence[tuple[int, int]],
    chosen: Iterable[int] | None,
    *,
    engine: NotesEngine,
    asked: Emotion | None,
    seed: int,
    fills: int = FILLS,
    temperature: float = 1.0,
    on_progress: Callable[[float, float], bool | None] | None = None,
) -> MidiEvents:
    """The file with the bars of these spans (from 0, the last one not in it) written anew.

    chosen: numbers of the parts that are; None: all.

    Raises:
        UsageError: the piece has no such bars, or nobody plays there. Stopped: the caller stopped.
    """
    lines = BarLines.of(opened.piece)
    check_spans(spans, len(lines))
    numbers = list(range(len(opened.parts))) if chosen is None else sorted(chosen)
    events, programs = opened.events, opened.events.programs()
    current, total = opened, len(spans)
    for done, (first, last) in enumerate(spans):
        begin, end = (int(tick) for tick in ticks_of(lines.starts[[first, last]], events.division))
        parts = [current.parts[i] for i in numbers]
        gone = [note for part in parts for note in part.notes if begin <= note.begin < end]
        families = _families(parts, programs, begin, end)
        if not families:
            raise UsageError(
                f"--bars {first + 1}-{last}: nobody of those to be written anew plays there; choose other bars"
            )
        stays = replace(current.piece, tracks=_left(current, gone))
        best = fill_gap(
            current.piece,
            Gap(first, last, families),
            stays=stays,
            model=engine.model,
            language=engine.language,
            asked=asked,
            seed=(seed, first, last),
            fills=fills,
            temperature=temperature,
            closes=not current.piece.loops,
            tell=None if on_progress is None else lambda share, done=done: on_progress(done + share, float(total)),
        )[0]
        new = placed(best.tracks, parts, programs, events.division, stays=_others(current, gone), begin=begin, end=end)
        current = _with(current, gone, new, numbers)
    before = [note for part in opened.parts for note in part.notes]
    after = [note for part in current.parts for note in part.notes]
    kept = {note for note in after if note.on >= 0}
    return events.replaced([note for note in before if note not in kept], [note for note in after if note.on < 0])


def check_spans(spans: Sequence[tuple[int, int]], n_bars: int) -> None:
    """Raises UsageError: the piece does not have these bars."""
    for first, last in spans:
        if last > n_bars:
            said = f"{first + 1}-{last}" if last > first + 1 else str(last)
            raise UsageError(f"--bars {said}: the piece has {n_bars} bars; give bars from 1 to {n_bars}")


def placed(
    tracks: Iterable[Track],
    parts: Sequence[Part],
    programs: Programs,
    division: int,
    *,
    stays: Sequence[Note],
    begin: int,
    end: int,
) -> list[Note]:
    """Tracks of a fill, one a family -> notes of the parts, in ticks from `begin` to at most `end`."""
    held: dict[tuple[int, int], list[Note]] = defaultdict(list)
    for note in stays:
        held[note.channel, note.pitch].append(note)
    found: list[Note] = []
    for track in tracks:
        mine = [part for part in parts if part.family == track.family]
        starts = np.clip(ticks_of(track.notes["onset"], division), begin, end - 1)
        ends = np.clip(ticks_of(track.notes["onset"] + track.notes["duration"], division), starts + 1, end)
        for on, off, pitch, velocity in zip(
            starts.tolist(), ends.tolist(), track.notes["pitch"].tolist(), track.notes["velocity"].tolist(), strict=True
        ):
            there = [part for part in mine if programs.program(part.channel, on) == part.program]
            if not there:
                continue
            part = min(there, key=lambda part: (abs(part.median_pitch - pitch), part.track, part.channel))
            pitch = pitch if track.is_drum else in_range(pitch, part.program)
            found.append(Note(part.track, part.channel, on, off, pitch, velocity))
    return _giving_way(found, held)


def _giving_way(notes: list[Note], held: dict[tuple[int, int], list[Note]]) -> list[Note]:
    """New notes, none of which is struck on a key that is down already: those are left out, or let go before."""
    kept: list[Note] = []
    last: dict[tuple[int, int], int] = {}
    for note in sorted(notes, key=lambda note: (note.begin, note.track, note.channel, note.pitch, -note.end)):
        key = note.channel, note.pitch
        others = held[key]
        if any(other.begin <= note.begin < other.end for other in others):
            continue
        until = min([note.end, *(other.begin for other in others if other.begin > note.begin)])
        if key in last and kept[last[key]].end > note.begin:
            before = kept[last[key]]
            if before.begin == note.begin:
                continue
            kept[last[key]] = replace(before, end=note.begin)
        last[key] = len(kept)
        kept.append(replace(note, end=until))
    return kept


def _families(parts: Sequence[Part], programs: Programs, begin: int, end: int) -> tuple[str, ...]:
    """The families of parts whose channel stands at their program somewhere in the span."""
    playing = {
        part.family
        for part in parts
        if programs.program(part.channel, begin) == part.program
        or any(begin <= note.begin < end for note in part.notes)
    }
    return tuple(sorted(playing))


def _left(opened: Opened, gone: Sequence[Note]) -> tuple[Track, ...]:
    """The tracks of the piece without some of their notes."""
    out = set(gone)
    return tuple(
        replace(track, notes=notes_in_beats([n for n in part.notes if n not in out], opened.events.division))
        for track, part in zip(opened.piece.tracks, opened.parts, strict=True)
    )


def _others(opened: Opened, gone: Sequence[Note]) -> list[Note]:
    out = set(gone)
    return [note for part in opened.parts for note in part.notes if note not in out]


def _with(opened: Opened, gone: Sequence[Note], new: Sequence[Note], numbers: Sequence[int]) -> Opened:
    """The file as it stands after one span, its events not yet written."""
    out = set(gone)
    programs = opened.events.programs()
    parts = []
    for number, part in enumerate(opened.parts):
        notes = [note for note in part.notes if note not in out]
        if number in numbers:
            notes += [
                note for note in new
                if (note.track, note.channel, programs.program(note.channel, note.begin)) == (part.track, part.channel, part.program)
            ]  # fmt: skip
        parts.append(replace(part, notes=tuple(sorted(notes, key=lambda note: (note.begin, note.pitch)))))
    tracks = tuple(
        replace(track, notes=notes_in_beats(part.notes, opened.events.division))
        for track, part in zip(opened.piece.tracks, parts, strict=True)
    )
    return replace(opened, parts=tuple(parts), piece=replace(opened.piece, tracks=tracks))
