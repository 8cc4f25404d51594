"""A composer's ears: all scores of arrangement, harmony, melody, beat and form of one piece, in the order of the table.

Conventions
    What is heard at any moment (chords, lines, beat, home) is told from the middle 60 s of a piece, cut at bar lines; how it begins,
    goes on and ends from the whole of it. Scores are those of the files named in `_OF_THE_MIDDLE` and `_OF_THE_WHOLE`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import numpy as np

from klangbild.metrics import beat, chords, form, lines, repetition, tonality, writing
from klangbild.metrics.bar_grid import bar_grid
from klangbild.music.piece import Piece

MIDDLE_S = 60.0
_OF_THE_MIDDLE = (chords.evaluate, tonality.evaluate, lines.evaluate, beat.evaluate, writing.evaluate)
_OF_THE_WHOLE = (form.evaluate, tonality.ending)


def middle(piece: Piece, seconds: float = MIDDLE_S) -> Piece:
    """The whole bars whose starts lie in the middle `seconds` of a piece; all of it where it is no more than a bar longer.

    A note belongs where it starts and is cut at the end of the passage. Tempi, meters and the record come along.
    """
    starts = np.append(np.array(piece.bar_starts()), piece.end_beats)
    at = piece.beats_to_seconds(starts)
    longest = float(np.diff(at).max())
    if at[-1] <= seconds + longest:
        return piece
    first = int(np.searchsorted(at, (at[-1] - seconds) / 2 - 1e-6))
    last = max(int(np.searchsorted(at, at[first] + seconds, side="right")) - 1, first + 1)
    begin, end = starts[first], starts[last]
    tracks = []
    for track in piece.tracks:
        onset = track.notes["onset"]
        # onsets a hair before a bar line are meant on it, as on the grid that the scores use
        notes = track.notes[(onset >= begin - 0.04) & (onset < end - 0.04)].copy()
        notes["onset"] = np.maximum(notes["onset"] - begin, 0.0)
        notes["duration"] = np.minimum(notes["duration"], end - begin - notes["onset"])
        if len(notes):
            tracks.append(replace(track, notes=notes))
    cut = {name: _from(getattr(piece, name), begin, end) for name in ("tempos", "meters")}
    return replace(piece, tracks=tuple(tracks), markers=(), length_beats=float(end - begin), **cut)


def _from(changes: tuple, begin: float, end: float) -> tuple:
    """Changes (beat, ...) of a passage, counted from its start; what holds there opens it."""
    before = [c for c in changes if c[0] <= begin + 1e-6][-1]
    return ((0.0, *before[1:]), *((c[0] - begin, *c[1:]) for c in changes if begin + 1e-6 < c[0] < end - 1e-6))


def evaluate(piece: Piece, *, passage: Piece | None = None) -> OrderedDict[str, float]:
    """All scores by name. passage: what to hear the moments from (default: the middle of the piece)."""
    out: OrderedDict[str, float] = OrderedDict()
    heard = bar_grid(middle(piece) if passage is None else passage)
    for scores in _OF_THE_MIDDLE:
        out.update(scores(heard))
    out["bars_return"] = repetition.repeated_bars(heard)
    whole = bar_grid(piece)
    for scores in _OF_THE_WHOLE:
        out.update(scores(whole))
    return out
