"""Beat: what the drums do from bar to bar, how dense the music is, and where it has holes.

Conventions
    A bar counts where its notes start. Kick: General MIDI drums 35 and 36; snare: 37 to 40. A *drum bar* has a kick or a snare.
    Bars of other meters than 4/4 are left out of what is told of the beats 2 and 4.

Metrics (of one piece; NaN where there are no such bars)
    groove_held      kick and snare of neighbouring drum bars: shared strokes over all of both (Jaccard), mean, 0..1.
    kick_on_one      share of drum bars with a kick on their first step, 0..1.
    snare_backbeat   share of drum bars in 4/4 with a snare on beats 2 and 4, 0..1.
    density_cv       standard deviation over mean of the onsets in a bar, 0..; of bars with any.
    notes_a_second   all notes over the seconds of the piece, 0...
    parts            tracks that play, drums included, 0...
    hole_bars        most bars in a row without a pitched onset, between the first and the last pitched bar.
    holes            1 where that is two or more.
    drums_gone_bars  most bars in a row without a drum, between the first and the last drum bar; NaN without drums.
    drums_gone       1 where that is eight or more.
    Source: ours.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import numpy as np

from klangbild.metrics.bar_grid import DRUMS, STEPS_PER_BEAT, BarGrid

KICKS, SNARES = (35, 36), (37, 38, 39, 40)
HOLE, GONE = 2, 8
_NAN = float("nan")


def kick_and_snare(grid: BarGrid) -> list[frozenset[tuple[int, str]]]:
    """Of each bar its strokes: (step in the bar, "kick" or "snare")."""
    kits = np.array([track.plays_kit for track in grid.piece.tracks], bool)
    bars = []
    for notes in grid.bar_notes:
        notes = notes[kits[notes["part"]]]
        kick, snare = (notes["at"][np.isin(notes["pitch"], drums)].tolist() for drums in (KICKS, SNARES))
        bars.append(frozenset([(at, "kick") for at in kick] + [(at, "snare") for at in snare]))
    return bars


def longest_gap(bars: np.ndarray) -> int:
    """Numbers of bars that have something (k,), any order, repeats allowed -> most bars in a row between them that are missing."""
    bars = np.unique(bars)
    return int((np.diff(bars) - 1).max()) if len(bars) > 1 else 0


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    strokes = kick_and_snare(grid)
    lengths = np.diff(grid.starts)
    pairs = [(a, b) for a, b in pairwise(strokes) if a and b]
    drummed = [i for i, bar in enumerate(strokes) if bar]
    # a 4/4 bar is 48 steps; a bar of 2/2 is as long, and its snare stands on the same steps
    back = [i for i in drummed if lengths[i] == 4 * STEPS_PER_BEAT]
    beats = {(STEPS_PER_BEAT, "snare"), (3 * STEPS_PER_BEAT, "snare")}
    counts = np.bincount(grid.notes["bar"], minlength=grid.n_bars).astype(float) if len(grid.notes) else np.zeros(0)
    counts = counts[counts > 0]
    pitched, drums = grid.pitched, grid.notes[grid.notes["family"] == DRUMS]
    hole, gone = longest_gap(pitched["bar"]), longest_gap(drums["bar"])
    seconds = grid.piece.seconds
    return OrderedDict(
        groove_held=float(np.mean([len(a & b) / len(a | b) for a, b in pairs])) if pairs else _NAN,
        kick_on_one=float(np.mean([(0, "kick") in strokes[i] for i in drummed])) if drummed else _NAN,
        snare_backbeat=float(np.mean([beats <= strokes[i] for i in back])) if back else _NAN,
        density_cv=float(counts.std() / counts.mean()) if len(counts) > 1 else _NAN,
        notes_a_second=len(grid.notes) / seconds if len(grid.notes) and seconds else _NAN,
        parts=float(len(np.unique(grid.notes["part"]))) if len(grid.notes) else _NAN,
        hole_bars=float(hole) if len(pitched) else _NAN,
        holes=float(hole >= HOLE) if len(pitched) else _NAN,
        drums_gone_bars=float(gone) if len(drums) else _NAN,
        drums_gone=float(gone >= GONE) if len(drums) else _NAN,
    )
