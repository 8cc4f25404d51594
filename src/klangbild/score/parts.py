"""Each track of a piece as it is written: its staves, and on each the voices of its notes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from klangbild.music.piece import Track
from klangbild.score.drum_staff import drum_sign
from klangbild.score.instruments import Writing, name_of, split_point, writing_of
from klangbild.score.rhythm import SHORTEST, TICKS, Bar, Chord, Grid, chords_of, read_grid, smoothed
from klangbild.score.voices import first_sign, in_voices

DYNAMICS = (("pp", 40), ("p", 54), ("mp", 68), ("mf", 82), ("f", 98), ("ff", 128))
"""What is marked, and the mean velocity below which it is."""
_MARKED_BARS = 4
_SLACK = 3


@dataclass(frozen=True)
class Staff:
    """clef: (sign, line, octaves). voices: of chords, each without overlaps."""

    clef: tuple[str, int, int]
    voices: list[list[Chord]]


@dataclass(frozen=True)
class Part:
    """One line of the score. writing: of a pitched part. drums: MIDI pitches of a kit's drums, in order; none for the others. dynamics:
    {number of the bar from 0: its mark}."""

    name: str
    track: Track
    writing: Writing
    grid: Grid
    staves: tuple[Staff, ...]
    drums: tuple[int, ...]
    dynamics: dict[int, str]


def part_of(track: Track, bars: list[Bar]) -> Part:
    """A track with at least one note."""
    notes, end = track.notes, bars[-1].end
    grid = read_grid(notes, bars)
    starts = np.array([bar.start for bar in bars])
    in_bar = np.searchsorted(starts, np.rint(notes["onset"] * TICKS), side="right") - 1
    dynamics = _dynamics(notes, in_bar, len(bars))
    if track.plays_kit:
        hands = np.array([not drum_sign(int(pitch)).foot for pitch in notes["pitch"]])
        voices = [_struck(notes[which], grid, bars) for which in (hands, ~hands)]
        staff = Staff(("percussion", 2, 0), [voice for voice in voices if voice])
        drums = tuple(sorted({int(pitch) for pitch in notes["pitch"]}))
        return Part(name_of(track), track, Writing(), grid, (staff,), drums, dynamics)
    writing = writing_of(track)
    if writing.staves == 2:
        split = np.array([split_point(notes["pitch"][in_bar == i].astype(int)) for i in range(len(bars))])
        upper = notes["pitch"] >= split[np.clip(in_bar, 0, None)]
        halves, clefs = (notes[upper], notes[~upper]), (("G", 2, 0), ("F", 4, 0))
    else:
        halves, clefs = (notes,), (writing.clef or ("G", 2, 0),)
    if writing.staves == 2 and not writing.always and not all(len(half) for half in halves):
        whose = 0 if len(halves[0]) else 1
        writing, halves, clefs = replace(writing, staves=1), (halves[whose],), (clefs[whose],)
    staves = tuple(
        Staff(clef, in_voices(smoothed(chords_of(half, grid, end), grid)))
        for clef, half in zip(clefs, halves, strict=True)
    )
    return Part(name_of(track), track, writing, grid, staves, (), dynamics)


def _struck(notes: np.ndarray, grid: Grid, bars: list[Bar]) -> list[Chord]:
    """What hands or feet strike: each stroke is written until the next one or the end of its beat, since a drum has no length."""
    struck: dict[int, dict[int, int]] = {}
    last = bars[-1].end
    for note in notes:
        at = min(grid.nearest(note["onset"] * TICKS), last - SHORTEST)
        struck.setdefault(at, {})[int(note["pitch"])] = int(note["velocity"])
    onsets = sorted(struck)
    chords, number = [], 0
    for i, at in enumerate(onsets):
        while bars[number].end <= at:
            number += 1
        bar = bars[number]
        beat_end = at + bar.beat - (at - bar.start) % bar.beat
        end = min(onsets[i + 1] if i + 1 < len(onsets) else last, beat_end, bar.end)
        end = at + first_sign(at, end, bar, grid)
        chords.append(Chord(at, end, tuple(sorted(struck[at])), max(struck[at].values())))
    return chords


def _dynamics(notes: np.ndarray, in_bar: np.ndarray, n_bars: int) -> dict[int, str]:
    """Marks where the loudness, over four bars, is another than what was marked before."""
    marks: dict[int, str] = {}
    low = high = -1.0
    for first in range(0, n_bars, _MARKED_BARS):
        mine = notes["velocity"][(in_bar >= first) & (in_bar < first + _MARKED_BARS)]
        if not len(mine):
            continue
        mean = float(mine.mean())
        if low - _SLACK <= mean < high + _SLACK:
            continue
        at = next(i for i, (_, below) in enumerate(DYNAMICS) if mean < below)
        low, high = (0 if at == 0 else DYNAMICS[at - 1][1]), DYNAMICS[at][1]
        marks[int(in_bar[in_bar >= first].min()) if marks else int(in_bar.min())] = DYNAMICS[at][0]
    return marks
