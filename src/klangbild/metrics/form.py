"""Form: does a piece begin, build and end? Of whole pieces only; a cut from the middle has no beginning.

Conventions
    Bars are counted from the first that has a note. A part is a track that plays at all, drums included. Density is onsets of
    all parts a bar. The *middle* is the second and third quarter of the bars. The main tempo is the one that most beats have.

Metrics (of one piece; NaN where it is too short: 8 bars for what opens, 16 for the range)
    opening_density   onsets a bar in bars 1-4 over those of the middle, 0..; NaN where the middle is empty.
    opening_parts     share of the parts that play in bars 1-2, 0..1.
    density_range     (largest - smallest) over mean of the onsets a bar in whole 8-bar sections, 0...
    tempi             how many different tempi it has between its first onset and its last note's end, 1...
    ritardando        1 where the slowest tempo of the last two bars is 5 % or more below the main one.
    held_close        1 where the last pitched chord is held for 1.5 times the piece's median distance between pitched onsets, and a
                      beat or more.
    pitch_frozen_bars most bars in a row in which a pitched part plays one pitch only, the same (bars where it is silent end it).
    pitch_frozen      1 where that is 12 or more.
    Source: ours.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from klangbild.metrics.bar_grid import STEPS_PER_BEAT, BarGrid

OPENS, SECTION_BARS, FROZEN = 8, 8, 12
_NAN = float("nan")


def bar_onsets(grid: BarGrid) -> np.ndarray:
    """Onsets in each bar, float (bars,), from the first bar with a note to the last with one."""
    if not len(grid.notes):
        return np.zeros(0)
    return np.bincount(grid.notes["bar"] - grid.notes["bar"].min()).astype(float)


def opening_density(onsets: np.ndarray) -> float:
    """Onsets of each bar (bars,) -> 0.., or NaN."""
    middle = onsets[len(onsets) // 4 : -(-3 * len(onsets) // 4)]
    return float(onsets[:4].mean() / middle.mean()) if len(onsets) >= OPENS and middle.any() else _NAN


def density_range(onsets: np.ndarray) -> float:
    """Onsets of each bar (bars,) -> 0.., or NaN below two whole sections."""
    n = len(onsets) // SECTION_BARS
    if n < 2:
        return _NAN
    means = onsets[: n * SECTION_BARS].reshape(n, SECTION_BARS).mean(axis=1)
    return float(np.ptp(means) / means.mean()) if means.any() else _NAN


def sounding_tempos(grid: BarGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The stretches of tempo between the first and the last sound: first beat, last beat, bpm, all (stretches,)."""
    first = grid.notes["step"].min() / STEPS_PER_BEAT
    last = (grid.notes["step"] + grid.notes["length"]).max() / STEPS_PER_BEAT
    at, bpm = np.array(grid.piece.tempos, float).T
    start = np.clip(at, first, last)
    end = np.append(start[1:], last)
    heard = end > start + 1e-9
    return start[heard], end[heard], bpm[heard]


def ritardando(grid: BarGrid) -> bool:
    """Whether the last two bars become slower than the piece is."""
    start, end, bpm = sounding_tempos(grid)
    which, number = np.unique(bpm, return_inverse=True)
    main = which[np.bincount(number, weights=end - start).argmax()]
    last = np.searchsorted(grid.starts, round(end[-1] * STEPS_PER_BEAT)) - 1
    closing = grid.starts[max(last - 1, 0)] / STEPS_PER_BEAT
    return bool(bpm[end > closing + 1e-9].min() <= 0.95 * main)


def held_close(grid: BarGrid) -> bool:
    """Whether the last pitched onset is held out."""
    notes = grid.pitched
    onsets = np.unique(notes["step"])
    held = (notes["step"] + notes["length"]).max() - onsets[-1]
    usual = np.median(np.diff(onsets)) if len(onsets) > 1 else 0
    return bool(held >= max(1.5 * usual, STEPS_PER_BEAT))


def pitch_frozen_bars(grid: BarGrid) -> int:
    """Most bars in a row in which some pitched part plays one pitch, the same."""
    best = 0
    notes = np.sort(grid.pitched, order=("part", "bar"), kind="stable")
    for part in np.unique(notes["part"]):
        mine = notes[notes["part"] == part]
        bars, first = np.unique(mine["bar"], return_index=True)
        low, high = (f.reduceat(mine["pitch"], first) for f in (np.minimum, np.maximum))
        run = 0
        for i in range(len(bars)):
            goes_on = run and bars[i] == bars[i - 1] + 1 and low[i] == low[i - 1]
            run = (run + 1 if goes_on else 1) if low[i] == high[i] else 0
            best = max(best, run)
    return best


def evaluate(grid: BarGrid) -> OrderedDict[str, float]:
    """All scores of this file by name."""
    onsets = bar_onsets(grid)
    any_note, pitched = bool(len(grid.notes)), bool(len(grid.pitched))
    parts = len(np.unique(grid.notes["part"]))
    start = grid.notes["bar"].min() if any_note else 0
    opening = grid.notes["part"][grid.notes["bar"] < start + 2]
    frozen = pitch_frozen_bars(grid)
    return OrderedDict(
        opening_density=opening_density(onsets),
        opening_parts=len(np.unique(opening)) / parts if parts and len(onsets) >= OPENS else _NAN,
        density_range=density_range(onsets),
        tempi=float(len(np.unique(sounding_tempos(grid)[2]))) if any_note else _NAN,
        ritardando=float(ritardando(grid)) if any_note else _NAN,
        held_close=float(held_close(grid)) if pitched else _NAN,
        pitch_frozen_bars=float(frozen) if pitched else _NAN,
        pitch_frozen=float(frozen >= FROZEN) if pitched else _NAN,
    )
