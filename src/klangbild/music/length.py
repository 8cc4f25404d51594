"""A piece brought to a length in seconds, to the sample: for films and games, where 73 seconds are 73.000.

A tempo may move by 3 %, which few hear. Where whole bars do not fill the seconds with that, the last chord is held longer or let go
sooner, and the tempo stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from klangbild.music.piece import LOOP_END, LOOP_START, Piece

MOST_TEMPO_CHANGE = 0.03
"""By how much of itself a tempo may move."""
_TOLD = 5e-4
"""A change of tempo smaller than this is none."""


def whole_bars_fill(seconds: float, seconds_per_bar: float, extra_bars: float = 0.0) -> bool:
    """Whether a whole number of bars fills the seconds, the tempo moved by `MOST_TEMPO_CHANGE` at most. extra_bars: how many bars' time
    they take beyond their number (`timing.Timing`).

    >>> whole_bars_fill(73.0, 2.0), whole_bars_fill(5.0, 4.0)
    (True, False)
    """
    n = max(round(seconds / seconds_per_bar - extra_bars), 1)
    return abs((n + extra_bars) * seconds_per_bar / seconds - 1.0) <= MOST_TEMPO_CHANGE


def of_length(piece: Piece, seconds: float, *, loop: bool = False, after: float = 0.0) -> tuple[Piece, str | None]:
    """The piece, at least one note long, so that it lasts exactly `seconds`; and what its asker should know, in words.

    Its tempi move together. Nothing sounds beyond its end, and what sounds last lasts until it. loop: its bars stay whole and nothing
    is held, however far the tempo has to move. after: the beat from which on they move; what lies before it stays where it is.
    """
    if not loop:
        piece = _until(piece, piece.length_beats or piece.end_beats)
    before_s = float(piece.beats_to_seconds(after))
    ratio = (piece.seconds - before_s) / (seconds - before_s)
    bpm = [tempo for beat, tempo in piece.tempos if beat <= after + 1e-9][-1]
    if abs(ratio - 1.0) > MOST_TEMPO_CHANGE and not loop:
        done = "held longer" if ratio < 1.0 else "let go sooner"
        return _until(piece, float(piece.seconds_to_beats(seconds))), (
            f"--exact: no whole number of bars at {bpm:.4g} bpm fills {seconds:g} s; the end is {done}"
        )
    moved = replace(piece, tempos=tuple(tempi_moved(piece.tempos, after, piece.end_beats, ratio)[:-1]))
    bars = len(piece.bar_starts())
    told = f"--exact: the tempo moved from {bpm:.4g} to {bpm * ratio:.5g} bpm, so that {bars} bars fill {seconds:g} s"
    return moved, told if abs(ratio - 1.0) > _TOLD else None


def tempi_moved(
    tempos: Sequence[tuple[float, float]], begin: float, end: float, ratio: float
) -> list[tuple[float, float]]:
    """The tempo changes (beat, bpm), those between two beats quicker by a ratio; the last says what follows at `end`."""
    at_begin = [bpm for beat, bpm in tempos if beat <= begin + 1e-9][-1]
    at_end = [bpm for beat, bpm in tempos if beat <= end + 1e-9][-1]
    within = [(beat, bpm * ratio) for beat, bpm in tempos if begin + 1e-9 < beat < end - 1e-9]
    before = [one for one in tempos if one[0] < begin - 1e-9]
    after = [one for one in tempos if one[0] > end + 1e-9]
    return [*before, (begin, at_begin * ratio), *within, (end, at_end), *after]


def looping(piece: Piece) -> Piece:
    """The piece with markers at its first beat and where its last bar ends, between which a game engine repeats it."""
    return replace(piece, markers=((0.0, LOOP_START), *piece.markers, (piece.end_beats, LOOP_END)))


def _until(piece: Piece, end: float) -> Piece:
    """The piece until a beat: what starts later is left out, what rings on ends there, and what sounded last is held until it."""
    kept = [track.notes[track.notes["onset"] < end - 1e-6].copy() for track in piece.tracks]
    for notes in kept:
        notes["duration"] = np.minimum(notes["duration"], end - notes["onset"])
    sounding = [n for track, n in zip(piece.tracks, kept, strict=True) if not track.is_drum and len(n)]
    sounding = sounding or [notes for notes in kept if len(notes)]
    last = max(float((notes["onset"] + notes["duration"]).max()) for notes in sounding)
    for notes in sounding:
        holds = notes["onset"] + notes["duration"] > last - 1e-6
        notes["duration"][holds] = end - notes["onset"][holds]
    tracks = tuple(replace(track, notes=notes) for track, notes in zip(piece.tracks, kept, strict=True))
    changes = {
        "tempos": tuple(change for change in piece.tempos if change[0] < end),
        "meters": tuple(change for change in piece.meters if change[0] < end),
        "markers": tuple(mark for mark in piece.markers if mark[0] <= end),
    }
    return replace(piece, tracks=tracks, length_beats=end, **changes)
