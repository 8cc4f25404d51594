"""From beats to what can be written down: which grid each beat is read on, and notes cut to it.

Time is counted in ticks, `TICKS` to a quarter note, so that sixteenths, thirty-seconds, triplets and sextuplets are whole numbers.
Each quarter of a part is read on the one grid that errs least (a coarser one where they are as near), in all its voices, so that a
tuplet never has half a beat of something else. In meters of eighths in threes nothing is a triplet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from klangbild.music.piece import Piece

TICKS = 24
"""To a quarter note."""
SHORTEST = 3
"""Ticks of a thirty-second."""
TUPLETS = {8: (3, 2), 4: (6, 4), 2: (12, 8)}
"""{ticks of a step: how many of them stand for how many}: triplets of eighths, sixteenths and thirty-seconds."""
_SIXTEENTH = 6
_COSTS = {_SIXTEENTH: 0.0, 8: 0.015, 4: 0.05, SHORTEST: 0.06, 2: 0.12}
"""{ticks of a step: what it costs to read, in quarters of mean error}."""
_LOST = 1.0
"""The same for a note that falls upon another of its pitch, or is moved by more than `_MOST_MOVED` ticks."""
_MOST_MOVED = 2.01


@dataclass(frozen=True)
class Bar:
    """start, end: in ticks of the piece. numerator, denominator: its meter; a cut bar is shorter than that."""

    start: int
    end: int
    numerator: int
    denominator: int

    @property
    def in_threes(self) -> bool:
        """Whether its beats are dotted quarters."""
        return self.denominator == 8 and self.numerator % 3 == 0

    @property
    def beat(self) -> int:
        """Ticks of what is beamed together."""
        return TICKS * 3 // 2 if self.in_threes else TICKS


@dataclass(frozen=True)
class Chord:
    """Notes of one onset and one end. start, end: ticks of the piece. pitches: MIDI, from the lowest up. velocity: the loudest's."""

    start: int
    end: int
    pitches: tuple[int, ...]
    velocity: int


@dataclass(frozen=True)
class Grid:
    """How the quarters of one part are read. steps: {quarter of the piece: ticks of its steps}, of all that are not read in sixteenths."""

    steps: dict[int, int]

    def step(self, quarter: int) -> int:
        """Ticks of the steps of a quarter."""
        return self.steps.get(quarter, _SIXTEENTH)

    def tuplet(self, quarter: int) -> int:
        """How many notes its tuplet counts; 0 where it is none."""
        return TUPLETS.get(self.step(quarter), (0, 0))[0]

    def nearest(self, tick: float) -> int:
        """The nearest tick that can be written."""
        quarter = int(tick // TICKS)
        step = self.step(quarter)
        return quarter * TICKS + round((tick - quarter * TICKS) / step) * step


def bars_of(piece: Piece) -> list[Bar]:
    """The bars of a piece, in ticks; the last one is whole."""
    starts = [round(beat * TICKS) for beat in piece.bar_starts()]
    meters = [(round(beat * TICKS), n, d) for beat, n, d in piece.meters]
    bars = []
    for i, start in enumerate(starts):
        numerator, denominator = next((n, d) for at, n, d in reversed(meters) if at <= start or at == meters[0][0])
        whole = start + 4 * TICKS * numerator // denominator
        bars.append(Bar(start, starts[i + 1] if i + 1 < len(starts) else whole, numerator, denominator))
    return bars


def read_grid(notes: np.ndarray, bars: list[Bar]) -> Grid:
    """The grid of a part's notes (structured, beats): of each quarter by where its notes begin, or where none does, end."""
    found: dict[int, int] = {}
    onsets, ends = notes["onset"] * TICKS, (notes["onset"] + notes["duration"]) * TICKS
    quarter_of, ends_in = (np.floor((at + 0.5) / TICKS).astype(int) for at in (onsets, ends))
    aligned = {
        quarter
        for bar in bars
        if not bar.in_threes and not bar.start % TICKS
        for quarter in range(bar.start // TICKS, bar.end // TICKS)
    }
    for quarter in np.unique(np.concatenate([quarter_of, ends_in])):
        here = quarter_of == quarter
        at = (onsets[here] if here.any() else ends[ends_in == quarter]) - quarter * TICKS
        # what of the next quarter may be rounded to its start, too
        following = (quarter_of == quarter + 1) & (onsets <= (quarter + 1) * TICKS + _SIXTEENTH / 2)
        pitches = notes["pitch"][here].astype(int) if here.any() else np.zeros(0, int)
        taken = notes["pitch"][following].astype(int)
        steps = _COSTS if int(quarter) in aligned else (_SIXTEENTH, SHORTEST)
        best = min(steps, key=lambda step: _cost(at, pitches, taken, step))
        if best != _SIXTEENTH:
            found[int(quarter)] = best
    return Grid(found)


def _cost(at: np.ndarray, pitches: np.ndarray, taken: np.ndarray, step: int) -> float:
    """What it costs to read moments (n,), ticks in a quarter, in steps. pitches: of the notes that begin there, if any do; taken: of those
    that begin with the next quarter."""
    places = np.rint(at / step) * step
    error = np.abs(at - places).mean() / TICKS
    error += _LOST * (np.abs(at - places) > _MOST_MOVED).sum()
    begun = [*zip(places, pitches, strict=False), *((TICKS, pitch) for pitch in taken)]
    return float(error + _COSTS[step] + _LOST * (len(begun) - len(set(begun))))


def smoothed(chords: list[Chord], grid: Grid) -> list[Chord]:
    """The chords of one staff without what players do and nobody writes: what rings less than a sixteenth into the next onset ends
    there, and what is let go a sixteenth before it, after twice as long, lasts until it."""
    onsets = np.unique([chord.start for chord in chords])
    found = []
    for chord in chords:
        within = onsets[(onsets > chord.start) & (np.abs(onsets - chord.end) <= _SIXTEENTH)]
        if len(within) and chord.end - chord.start > _SIXTEENTH:
            nearest = int(within[np.abs(within - chord.end).argmin()])
            if not grid.tuplet(chord.end // TICKS) or nearest % TICKS == 0:
                chord = replace(chord, end=nearest)
        found.append(chord)
    return found


def chords_of(notes: np.ndarray, grid: Grid, end: int) -> list[Chord]:
    """Notes (structured, beats) -> chords, in order of onset, then end; nothing lasts beyond the tick `end`, or less than a step."""
    found: dict[tuple[int, int], dict[int, int]] = {}
    sounding: dict[int, tuple[int, int]] = {}  # pitch -> the (start, end) of its chord
    close = (end - 1) // TICKS
    last = end - (grid.step(close) if grid.tuplet(close) else SHORTEST)
    for note in notes:
        start = min(grid.nearest(note["onset"] * TICKS), last)
        step = grid.step(start // TICKS)
        stop = min(max(grid.nearest((note["onset"] + note["duration"]) * TICKS), start + step), end)
        pitch = int(note["pitch"])
        before = sounding.get(pitch)
        if before and before[0] < start < before[1]:  # struck again while it sounds: the first one ends there
            velocity = found[before].pop(pitch)
            found.setdefault((before[0], start), {})[pitch] = velocity
        place = (start, stop)
        found.setdefault(place, {})[pitch] = max(int(note["velocity"]), found.get(place, {}).get(pitch, 0))
        sounding[pitch] = place
    return [
        Chord(start, stop, tuple(sorted(pitches)), max(pitches.values()))
        for (start, stop), pitches in sorted(found.items())
        if pitches
    ]
