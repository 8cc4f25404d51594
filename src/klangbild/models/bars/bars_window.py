"""Some bars of anybody's piece as the notes model reads them: laid on its grid bar by bar, in its key, and what it writes laid back.

The bars are the piece's own (`Piece.bar_starts`). A bar of a meter that the language lacks takes the place of the nearest one it has, and
time within it is stretched, so that bar lines stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from klangbild.models.bars import vocabulary as b
from klangbild.models.bars.language import BarsLanguage
from klangbild.music.going_on import key_heard
from klangbild.music.meters import METERS, known_meter
from klangbild.music.piece import Key, Piece, Track, make_notes

_SAME_BEAT = 1e-6


@dataclass(frozen=True)
class BarLines:
    """Where the bars of a piece lie. starts: beats of each bar line, the end of the last bar too (bars + 1,). meters: of each bar, an index
    into `METERS`. key: what the piece is in by ear."""

    starts: np.ndarray
    meters: tuple[int, ...]
    key: Key

    @classmethod
    def of(cls, piece: Piece) -> BarLines:
        starts = piece.bar_starts()
        at = [beat for beat, *_ in piece.meters]
        meters, end = [], 0.0
        for start in starts:
            _, numerator, denominator = piece.meters[
                max(int(np.searchsorted(at, start + _SAME_BEAT, side="right")) - 1, 0)
            ]
            meters.append(known_meter(numerator, denominator))
            end = start + 4.0 * numerator / denominator
        return cls(np.array([*starts, end]), tuple(meters), key_heard(piece))

    def __len__(self) -> int:
        return len(self.meters)

    def bar_of(self, beat: np.ndarray) -> np.ndarray:
        """The number of the bar that beats (n,) lie in, from 0."""
        return np.clip(np.searchsorted(self.starts, np.asarray(beat) + _SAME_BEAT, side="right") - 1, 0, len(self) - 1)

    @cached_property
    def grid_beats(self) -> np.ndarray:
        """(bars,) how long each bar is on the grid of the language."""
        return np.array([4.0 * METERS[meter][0] / METERS[meter][1] for meter in self.meters])

    @property
    def shift(self) -> int:
        """Semitones from the piece to C major or A minor, as `BarsLanguage` moves it."""
        goal = 0 if self.key.mode == "major" else 9
        return (goal - self.key.tonic + 6) % 12 - 6


def laid_on_grid(piece: Piece, lines: BarLines, order: list[int]) -> Piece:
    """The bars `order` of a piece, one after the other on the grid, as a piece of its own; a number of -1 is an empty bar."""
    lengths = [lines.grid_beats[bar] if bar >= 0 else lines.grid_beats[max(order)] for bar in order]
    places = np.concatenate([[0.0], np.cumsum(lengths)])
    tracks = []
    for track in piece.tracks:
        bar = lines.bar_of(track.notes["onset"])
        parts = [track.notes[:0]]
        for number, place in zip(order, places[:-1], strict=True):
            if number < 0:
                continue
            notes = track.notes[bar == number].copy()
            scale = lines.grid_beats[number] / (lines.starts[number + 1] - lines.starts[number])
            notes["onset"] = place + np.maximum(notes["onset"] - lines.starts[number], 0.0) * scale
            notes["duration"] *= scale
            parts.append(notes)
        tracks.append(replace(track, notes=np.concatenate(parts), performance=None))
    at = [beat for beat, _ in piece.tempos]
    tempos, meters = [], []
    for number, place in zip(order, places[:-1], strict=True):
        if number < 0:
            number = max(order)
        sounding = max(int(np.searchsorted(at, lines.starts[number] + _SAME_BEAT, side="right")) - 1, 0)
        tempos.append((float(place), piece.tempos[sounding][1]))
        meters.append((float(place), *METERS[lines.meters[number]]))
    return Piece(tuple(tracks), _changes(tempos), _changes(meters), lines.key, length_beats=float(places[-1]))


def laid_back(
    piece: Piece, lines: BarLines, *, at: int, first: int, last: int, families: tuple[str, ...]
) -> tuple[Track, ...]:
    """What a window's piece plays in the bars `first` to before `last` of the whole, in the whole's beats and key, one track a family.

    at: the beat on the grid where bar `first` lies. Notes end where the bars do.
    """
    grid = at + np.concatenate([[0.0], np.cumsum(lines.grid_beats[first:last])])
    own = lines.starts[first : last + 1]
    tracks = []
    for name, notes in piece.by_family().items():
        inside = notes[(notes["onset"] >= grid[0] - _SAME_BEAT) & (notes["onset"] < grid[-1] - _SAME_BEAT)]
        if not len(inside) or name not in families:
            continue
        ends = np.minimum(inside["onset"] + inside["duration"], grid[-1])
        onset, end = np.interp(inside["onset"], grid, own), np.interp(ends, grid, own)
        pitch = inside["pitch"].astype(int)
        if name != "drums":
            pitch = pitch - lines.shift
            pitch = np.where(pitch > 127, pitch - 12, np.where(pitch < 0, pitch + 12, pitch))
        tracks.append(Track(name, 0, make_notes(onset, end - onset, pitch, inside["velocity"])))
    return tuple(tracks)


def ids_by_bar(language: BarsLanguage, piece: Piece) -> list[list[int]]:
    """A piece on the grid -> the ids of each of its bars, as they stand in its sections of eight."""
    bars: list[list[int]] = []
    for section in language.encode_sections(piece):
        for token in section.ids.tolist():
            if b.BAR_0 <= token < b.TEMPO_0:
                bars.append([])
            bars[-1].append(token)
    return bars


def _changes(rows: list[tuple]) -> tuple[tuple, ...]:
    """Only where something changes."""
    return tuple(row for i, row in enumerate(rows) if i == 0 or row[1:] != rows[i - 1][1:])
