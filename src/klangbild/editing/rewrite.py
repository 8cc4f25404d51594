"""Bars written anew: what goes, what the notes model writes in its place, and how that becomes events of the file.

What begins in the bars goes, with its end, wherever that is. What sounds into them from before stays whole. New notes end with the bars at the
latest, go to the part of their family that plays there (of several to the one whose notes lie nearest), and give way to what stays: where
a key is held already they are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from klangbild.editing.midi_events import DRUM_CHANNEL, MidiEvents, Note, ticks_of
from klangbild.editing.parts import Opened, Part, in_range, notes_in_beats
from klangbild.emotion.space import Emotion
from klangbild.errors import UsageError
from klangbild.models.bars.bars_window import BarLines
from klangbild.models.bars.fill import Gap, fill_gap
from klangbild.models.bars.notes_engine import NotesEngine
from klangbild.music.piece import Track

FILLS = 4
TEMPERATURE = 0.85
"""Of bars that are written anew: they are a little nearer to true ones so than at 1 (`benchmarks/edit.py nearness`)."""
Tell = Callable[[float], "bool | None"]


@dataclass(frozen=True)
class Writer:
    """Who writes: the notes model, for what is asked, from a seed. fills: how many are drawn of which the best is kept. temperature: how adventurous.
    like_before: the new bars are to be like those that stood there, not like what is around them."""

    engine: NotesEngine
    asked: Emotion | None
    seed: int
    fills: int = FILLS
    temperature: float = TEMPERATURE
    guidance: float = 1.0
    like_before: bool = False


class Rewriting:
    """A file in which bars are written anew, one span after the other, each heard by the next. chosen: the numbers of the parts that are; None: all."""

    def __init__(self, file: Opened, chosen: Iterable[int] | None = None) -> None:
        self._file = self._now = file
        self._numbers = list(range(len(file.parts))) if chosen is None else sorted(chosen)
        self._programs = file.events.programs()
        self.lines = BarLines.of(file.piece)
        self._ticks = ticks_of(self.lines.starts, file.events.division)
        self._louder = {(p.track, p.channel, p.program): _louder(p, file.parts) for p in file.parts}

    def write(self, span: tuple[int, int], writer: Writer, tell: Tell | None = None) -> None:
        """A span (from 0, the last bar not in it), written anew.

        Raises:
            UsageError: nobody plays there. Stopped: the caller stopped.
        """
        first, last = span
        parts, gone = self._parts(), self._in(first, last)
        families = self._families(parts, first, last)
        if not families:
            raise UsageError(f"--bars {_said(span)}: nobody of those to be written anew plays there; choose other bars")
        piece = self._now.piece
        best = fill_gap(
            piece,
            Gap(first, last, families, self._heard(first, last)),
            stays=replace(piece, tracks=tuple(self._track(part, set(gone)) for part in self._now.parts)),
            model=writer.engine.model,
            language=writer.engine.language,
            asked=writer.asked,
            seed=(writer.seed, first, last),
            fills=writer.fills,
            temperature=writer.temperature,
            guidance=writer.guidance,
            like_before=writer.like_before,
            closes=not piece.loops,
            tell=tell,
        )[0]
        self._put(
            gone, [note for track in best.tracks for note in self._placed(track, parts, first, last)], first, last
        )

    def clear(self, span: tuple[int, int]) -> None:
        """The chosen parts fall silent in these bars."""
        self._put(self._in(*span), [], *span)

    def only(self, chosen: Iterable[int]) -> None:
        """From now on these parts are written."""
        self._numbers = sorted(chosen)

    def copy(self, bar: int, to: int) -> None:
        """The chosen parts of a bar, in place of another's of the same length."""
        shift, end = int(self._ticks[to] - self._ticks[bar]), int(self._ticks[to + 1])
        new = [
            replace(n, begin=n.begin + shift, end=min(n.end + shift, end), on=-1, off=-1)
            for n in self._in(bar, bar + 1)
        ]
        self._put(self._in(to, to + 1), new, to, to + 1)

    def events(self) -> MidiEvents:
        """The file as it stands."""
        now = {note for part in self._now.parts for note in part.notes}
        return self._file.events.replaced(
            [note for part in self._file.parts for note in part.notes if note not in now],
            sorted((note for note in now if note.on < 0), key=_order),
        )

    def _parts(self) -> list[Part]:
        return [self._now.parts[i] for i in self._numbers]

    def _in(self, first: int, last: int) -> list[Note]:
        """The notes of the chosen parts that begin in these bars."""
        begin, end = self._ticks[first], self._ticks[last]
        return [note for part in self._parts() for note in part.notes if begin <= note.begin < end]

    def _families(self, parts: Sequence[Part], first: int, last: int) -> tuple[str, ...]:
        """The families of parts whose channel stands at their program somewhere in the bars."""
        begin, end = int(self._ticks[first]), int(self._ticks[last])
        playing = {
            part.family
            for part in parts
            if self._programs.program(part.channel, begin) == part.program
            or any(begin <= note.begin < end for note in part.notes)
        }
        return tuple(sorted(playing))

    def _heard(self, first: int, last: int) -> frozenset[str]:
        """The families of chosen parts that played in these bars, or are new to the piece."""
        begin, end = self._ticks[first], self._ticks[last]
        parts = [self._file.parts[i] for i in self._numbers]
        return frozenset(
            part.family for part in parts if not part.notes or any(begin <= note.begin < end for note in part.notes)
        )

    def _placed(self, track: Track, parts: Sequence[Part], first: int, last: int) -> list[Note]:
        """A track of a fill -> notes of the parts of its family, in ticks."""
        division, begin, end = self._file.events.division, int(self._ticks[first]), int(self._ticks[last])
        starts = np.clip(ticks_of(track.notes["onset"], division), begin, end - 1)
        ends = np.clip(ticks_of(track.notes["onset"] + track.notes["duration"], division), starts + 1, end)
        found = []
        for on, off, pitch, velocity in zip(
            starts.tolist(), ends.tolist(), track.notes["pitch"].tolist(), track.notes["velocity"].tolist(), strict=True
        ):
            there = [
                part for part in parts
                if part.family == track.family and self._programs.program(part.channel, on) == part.program
            ]  # fmt: skip
            if there:
                part = min(there, key=lambda part: (abs(part.middle - pitch), part.track, part.channel))
                pitch = pitch if part.channel == DRUM_CHANNEL else in_range(pitch, part.program)
                velocity = min(max(velocity + self._louder[part.track, part.channel, part.program], 1), 127)
                found.append(Note(part.track, part.channel, on, off, pitch, velocity))
        return found

    def _put(self, gone: Sequence[Note], new: Sequence[Note], first: int, last: int) -> None:
        out = set(gone)
        begin, end = int(self._ticks[first]), int(self._ticks[last])
        stay = [n for part in self._now.parts for n in part.notes if n not in out and n.begin < end and n.end > begin]
        new = _giving_way(new, stay)
        parts = list(self._now.parts)
        for number in self._numbers:
            part = parts[number]
            mine = [
                n for n in new
                if (n.track, n.channel, self._programs.program(n.channel, n.begin)) == (part.track, part.channel, part.program)
            ]  # fmt: skip
            notes = sorted([*(n for n in part.notes if n not in out), *mine], key=_order)
            parts[number] = replace(part, notes=tuple(notes))
        tracks = tuple(self._track(part, set()) for part in parts)
        self._now = replace(self._now, parts=tuple(parts), piece=replace(self._now.piece, tracks=tracks))

    def _track(self, part: Part, out: set[Note]) -> Track:
        notes = notes_in_beats([n for n in part.notes if n not in out], self._file.events.division)
        return Track(part.family, part.program, notes)


def written_anew(
    file: Opened,
    spans: Sequence[tuple[int, int]],
    chosen: Iterable[int] | None,
    writer: Writer,
    on_progress: Callable[[float, float], bool | None] | None = None,
) -> MidiEvents:
    """The file with the bars of these spans (from 0, the last one not in it) written anew.

    Raises:
        UsageError: the piece has no such bars, or nobody plays there. Stopped: the caller stopped.
    """
    rewriting = Rewriting(file, chosen)
    check_spans(spans, len(rewriting.lines))
    for done, span in enumerate(spans):
        rewriting.write(span, writer, telling(on_progress, done, len(spans)))
    return rewriting.events()


def telling(on_progress: Callable[[float, float], bool | None] | None, done: int, total: int) -> Tell | None:
    """How far a part of the work is, told as of the whole."""
    return None if on_progress is None else lambda share: on_progress(done + share, float(total))


def check_spans(spans: Sequence[tuple[int, int]], n_bars: int) -> None:
    """Raises UsageError: the piece does not have these bars."""
    for span in spans:
        if span[1] > n_bars:
            has = f"{n_bars} bars; give bars from 1 to {n_bars}" if n_bars > 1 else "one bar; give --bars 1"
            raise UsageError(f"--bars {_said(span)}: the piece has {has}")


def _said(span: tuple[int, int]) -> str:
    return f"{span[0] + 1}-{span[1]}" if span[1] > span[0] + 1 else str(span[1])


def _louder(part: Part, parts: Sequence[Part]) -> int:
    """By how much velocity a part stands out of its family, for which the model writes one loudness."""
    family = [note.velocity for other in parts if other.family == part.family for note in other.notes]
    return round(float(np.mean([note.velocity for note in part.notes]) - np.mean(family))) if part.notes else 0


def _order(note: Note) -> tuple[int, ...]:
    return note.begin, note.track, note.channel, note.pitch, -note.end


def _giving_way(notes: Iterable[Note], stay: Iterable[Note]) -> list[Note]:
    """New notes, none of which is struck on a key that is down already: those are left out, or let go before."""
    held: dict[tuple[int, int], list[Note]] = defaultdict(list)
    for note in stay:
        held[note.channel, note.pitch].append(note)
    kept: list[Note] = []
    last: dict[tuple[int, int], int] = {}
    for note in sorted(notes, key=_order):
        key = note.channel, note.pitch
        if any(other.begin <= note.begin < other.end for other in held[key]):
            continue
        until = min([note.end, *(other.begin for other in held[key] if other.begin > note.begin)])
        if key in last and kept[last[key]].end > note.begin:
            if kept[last[key]].begin == note.begin:
                continue
            kept[last[key]] = replace(kept[last[key]], end=note.begin)
        last[key] = len(kept)
        kept.append(replace(note, end=until))
    return kept
