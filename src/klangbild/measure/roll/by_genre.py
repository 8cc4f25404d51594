"""Scores of one number an item, over all items and genre by genre.

Conventions
    values: score -> (n,) float, NaN where an item has none (a silent sound). genre: (n,) str.
    Ranks are among all items, of every genre. A genre with fewer than `held_pairs.MIN_PAIRS` items has no scores, only its number.
    Scores of a genre are called "GENRE: score". Intervals are 95 %, bootstrap over items.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np

from klangbild.measure.roll.held_pairs import MIN_PAIRS
from klangbild.metrics.frechet import frechet_distance
from klangbild.metrics.intervals import Estimate, bootstrap, centred_interval

RESAMPLES = 200


def by_genre(values: Mapping[str, np.ndarray], genre: np.ndarray, *, seed: int = 0) -> OrderedDict[str, Estimate]:
    """Means of each genre's items: `values` {score: (items,)}, `genre` (items,) of names; genres of fewer than 8 are left out.

    >>> found = by_genre({"rank": np.arange(10.0)}, np.array(["pop"] * 8 + ["folk"] * 2))
    >>> list(found), found["pop: rank"].value
    (['pop: rank'], 3.5)
    """
    out: OrderedDict[str, Estimate] = OrderedDict()
    for name in large_genres(genre):
        for score, own in values.items():
            out[f"{name}: {score}"] = bootstrap(own[genre == name], seed=seed)
    return out


def frechet_by_genre(
    mine: np.ndarray, genre: np.ndarray, theirs: np.ndarray, their_genre: np.ndarray, *, seed: int = 0
) -> OrderedDict[str, Estimate]:
    """Frechet distance of each genre's vectors (n, d) to those of real clips (m, d) of that genre; NaN rows are left out.

    Few vectors make it large by themselves: compare sets of one genre only, beside their floor.
    """
    out: OrderedDict[str, Estimate] = OrderedDict()
    for name in large_genres(genre):
        own, real = mine[genre == name], theirs[their_genre == name]
        out[f"{name}: frechet"] = frechet(own, real, seed=seed)
    return out


def frechet(mine: np.ndarray, theirs: np.ndarray, *, seed: int = 0) -> Estimate:
    """Frechet distance of two sets of vectors (items, dimensions), interval by bootstrap over both; rows of NaN are left out, and counted."""
    known = np.isfinite(mine).all(axis=1)
    missing, mine = int((~known).sum()), mine[known]
    if min(len(mine), len(theirs)) < 2:
        return Estimate(np.nan, np.nan, np.nan, len(mine), missing)
    value = frechet_distance(mine, theirs)
    rng = np.random.default_rng(seed)
    drawn = [frechet_distance(again(mine, rng), again(theirs, rng)) for _ in range(RESAMPLES)]
    return Estimate(value, *centred_interval(value, np.array(drawn)), len(mine), missing)


def again(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many of the rows (n, ...), drawn with replacement, (n, ...)."""
    return rows[rng.integers(0, len(rows), len(rows))]


def large_genres(genre: np.ndarray) -> list[str]:
    """Genres with enough items in `genre` (items,), by name."""
    names, counts = np.unique(genre, return_counts=True)
    return names[counts >= MIN_PAIRS].tolist()


def genre_note(genre: np.ndarray) -> str:
    """How many items of `genre` (items,) each genre has, in a sentence to stand beside the scores.

    >>> genre_note(np.array(["pop"] * 9 + ["game"] * 2))
    'by genre of the clip: pop 9; fewer than 8, so without scores of their own: game 2'
    """
    names, counts = np.unique(genre, return_counts=True)
    told = {
        side: [f"{n} {c}" for n, c in zip(names, counts, strict=True) if (c >= MIN_PAIRS) == side]
        for side in (True, False)
    }
    small = f"fewer than {MIN_PAIRS}, so without scores of their own: {', '.join(told[False])}"
    return "by genre of the clip: " + "; ".join(
        part for part in (", ".join(told[True]), small if told[False] else "") if part
    )
