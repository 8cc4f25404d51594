"""Eight distributions of a set of pieces, and how much each overlaps that of real music.

Conventions
    A piece gives a table of counts for each distribution, `DISTRIBUTIONS[name]` bins wide; a set's histogram is the sum
    over its pieces, scaled to 1. Bins are fixed, so that two reports compare:
        pitch_class     12   counts, relative to the key that fits the piece best (read in C major / A minor)
        interval        49   -24..24 semitones between the highest notes of successive onsets of one family
        duration        16   of pitched notes, round(2 log2 of its twelfths of a beat), last bin 15 beats or more
        velocity        8    MIDI velocity // 16: the steps of our note language, so that rounding to them does not show
        polyphony       13   pitched notes sounding at a step, 0..11, 12 or more
        density         33   onsets of notes in a bar, // 2, last bin 64 or more
        families        12   instrument families playing in a bar, 0..11
        groove          48   where in the bar a note starts (in 48ths of the bar's length)
    These see what is played, not its order: shuffled bars overlap fully. Read them beside `structure` and the classifier.

Metrics
    overlap_area    sum of min(p, q), 0..1, 1 for equal histograms: one minus the total variation distance. Yang and Lerch
                    (2020), "On the evaluation of generative models in music", use it on smoothed densities of distances.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from klangbild.errors import InputError
from klangbild.metrics.bar_grid import DRUMS, BarGrid
from klangbild.metrics.intervals import Estimate, centred_interval
from klangbild.metrics.polyphony import sounding_notes
from klangbild.music.families import FAMILIES

DISTRIBUTIONS = {
    "pitch_class": 12, "interval": 49, "duration": 16, "velocity": 8, "polyphony": 13, "density": 33, "families": 12,
    "groove": 48,
}  # fmt: skip
WIDTH = sum(DISTRIBUTIONS.values())
_CUTS = np.cumsum(list(DISTRIBUTIONS.values()))[:-1]


def counts(grid: BarGrid) -> np.ndarray:
    """(WIDTH,) float: the counts of all distributions, one after the other; zeros for a piece without notes."""
    if not len(grid.notes):
        return np.zeros(WIDTH)
    pitched, notes = grid.pitched, grid.notes
    bar_length = np.diff(grid.starts)[notes["bar"]]
    per_bar = [len(b) // 2 for b in grid.bar_notes]
    families = [len(np.unique(b["family"])) for b in grid.bar_notes]
    length = np.clip(np.rint(2 * np.log2(np.maximum(pitched["length"], 1))), 0, 15)
    polyphony = sounding_notes(grid) if len(pitched) else np.zeros(0, int)
    table = {
        "pitch_class": (pitched["pitch"] - grid.home) % 12,
        "interval": _intervals(pitched) + 24,
        "duration": length.astype(int),
        "velocity": notes["velocity"] // 16,
        "polyphony": np.minimum(polyphony, 12),
        "density": np.minimum(per_bar, 32),
        "families": np.minimum(families, 11),
        "groove": np.minimum(notes["at"] * 48 // bar_length, 47),
    }
    return np.concatenate([np.bincount(table[name], minlength=size)[:size] for name, size in DISTRIBUTIONS.items()])


def _intervals(pitched: np.ndarray) -> np.ndarray:
    """Semitones between the tops of successive onsets, family by family; beyond two octaves they are left out."""
    out = [np.zeros(0, int)]
    for family in range(len(FAMILIES)):
        mine = pitched[pitched["family"] == family] if family != DRUMS else pitched[:0]
        if len(mine) > 1:
            tops = np.maximum.reduceat(mine["pitch"], np.flatnonzero(np.r_[True, np.diff(mine["step"]) > 0]))
            steps = np.diff(tops)
            out.append(steps[np.abs(steps) <= 24])
    return np.concatenate(out)


def split(table: np.ndarray) -> OrderedDict[str, np.ndarray]:
    """(..., WIDTH) -> the distributions by name."""
    return OrderedDict(zip(DISTRIBUTIONS, np.split(table, _CUTS, axis=-1), strict=True))


def overlap_area(p: np.ndarray, q: np.ndarray) -> float:
    """Of two tables of counts (bins,), 0..1; NaN where one is empty.

    >>> overlap_area(np.array([1, 1]), np.array([3, 1]))
    0.75

    Raises:
        InputError: different numbers of bins, negative or not finite counts.
    """
    p, q = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if p.shape != q.shape or p.ndim != 1:
        raise InputError(f"histograms of shapes {p.shape} and {q.shape}; need the same bins")
    if not (np.isfinite(p).all() and np.isfinite(q).all()) or min(p.min(initial=0), q.min(initial=0)) < 0:
        raise InputError("histograms hold negative or non-finite counts; count again")
    if p.sum() == 0 or q.sum() == 0:
        return float("nan")
    return float(np.minimum(p / p.sum(), q / q.sum()).sum())


def evaluate(
    generated: Sequence[np.ndarray] | np.ndarray, reference: np.ndarray, *, resamples: int = 200, seed: int = 0
) -> OrderedDict[str, Estimate]:
    """Overlap of each distribution of a set (pieces, WIDTH) with the reference's (pieces, WIDTH); intervals over the
    set's pieces. `overlap_mean` is the mean of the eight.

    Raises:
        InputError: one of the sets is empty.
    """
    generated = np.atleast_2d(np.asarray(generated, np.float64))
    reference = np.atleast_2d(np.asarray(reference, np.float64))
    if not generated.size or not reference.size:
        raise InputError("a set without pieces has no distributions; give one MIDI file or more")
    whole = split(reference.sum(axis=0))
    draws = np.random.default_rng(seed).integers(0, len(generated), (resamples, len(generated)))
    rows = [generated.sum(axis=0), *(generated[draw].sum(axis=0) for draw in draws)]
    table = np.array([[overlap_area(part, whole[name]) for name, part in split(row).items()] for row in rows])
    table = np.concatenate([table, table.mean(axis=1, keepdims=True)], axis=1)
    out: OrderedDict[str, Estimate] = OrderedDict()
    for name, column in zip([*DISTRIBUTIONS, "mean"], table.T, strict=True):
        value = float(column[0])
        interval = centred_interval(value, column[1:]) if len(generated) > 1 else (np.nan, np.nan)
        out[f"overlap_{name}"] = Estimate(value, *interval, len(generated))
    return out
