"""Pictures paired with music by similarity, one to one, exactly as Art2Mus's data set was made.

Each picture, in order, takes the most similar track that is still free (the lowest index on equal values); that track is
then gone. The similarity matrix is never held: pictures are compared in blocks, and taken tracks leave the comparison,
so memory is bounded by `memory_mb` beside the vectors themselves (which may be memory-mapped). 100,000 x 100,000 vectors
of 1024 need 400 MB a side on disk and about 10^13 multiplications (see docs/diffusion.md for the measured time).

`greedy_global` (largest remaining similarity first) and `optimal` (largest sum) are for comparison at small sizes.

Source: Art2Mus, arXiv 2410.04906, section 3.1 and table 1. The authors' script is not published.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from klangbild.errors import InputError, Stopped, UsageError

NO_PARTNER = -1
OnProgress = Callable[[int, int], bool | None]  # (pictures done, pictures) -> False to stop


@dataclass(frozen=True)
class Pairing:
    """`track[i]` is the track of picture i, or -1 when tracks ran out; `similarity[i]` its cosine (NaN then)."""

    track: np.ndarray
    similarity: np.ndarray

    @property
    def pairs(self) -> np.ndarray:
        """int64 (pairs, 2): picture, track."""
        found = np.flatnonzero(self.track != NO_PARTNER)
        return np.stack([found, self.track[found]], axis=1)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows (n, d) scaled to length 1, float32 (n, d). Zero rows stay zero: they resemble nothing."""
    vectors = np.asarray(vectors, dtype=np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length != 0)


def greedy_pairs(
    pictures: np.ndarray,
    tracks: np.ndarray,
    *,
    memory_mb: float = 256,
    start: Pairing | None = None,
    on_progress: OnProgress | None = None,
) -> Pairing:
    """Pair vectors of pictures (n, d) with vectors of tracks (m, d) by cosine.

    Args:
        pictures, tracks: any lengths; rows are scaled to length 1 block by block.
        memory_mb: bound for the blocks, beside one float32 copy of the tracks.
        start: a pairing to go on from; its pictures with a track are kept (resume after a stop).
        on_progress: called after each block; returning False stops.

    Raises:
        InputError: vectors of other widths, or not finite.
        Stopped: `on_progress` asked for it; `error.args[1]` is the pairing so far, a valid `start`.
    """
    if pictures.ndim != 2 or tracks.ndim != 2 or pictures.shape[1] != tracks.shape[1]:
        raise InputError(
            f"vectors of shapes {pictures.shape} and {tracks.shape}; need (n, d) and (m, d) of one embedding"
        )
    n, m = len(pictures), len(tracks)
    track = np.full(n, NO_PARTNER, dtype=np.int64)
    similarity = np.full(n, np.nan, dtype=np.float32)
    if start is not None:
        track[: len(start.track)], similarity[: len(start.track)] = start.track, start.similarity
    free = np.setdiff1d(np.arange(m), track[track != NO_PARTNER])  # sorted, so equal values go to the lowest index
    free_vectors = unit_rows(tracks[free])
    if not np.isfinite(free_vectors).all():
        raise InputError("a track's vector is not finite; leave the file out or embed it again")
    todo = np.flatnonzero(track == NO_PARTNER)
    done = n - len(todo)
    while len(todo) and len(free):
        # the block of float32 similarities, and the copy in which taken tracks are struck out
        rows = int(np.clip(memory_mb * 2**20 / 8 / max(len(free), 1), 1, 4096))
        block, todo = todo[:rows], todo[rows:]
        vectors = unit_rows(pictures[block])
        if not np.isfinite(vectors).all():
            raise InputError("a picture's vector is not finite; leave the file out or embed it again")
        scores = vectors @ free_vectors.T  # (rows, free)
        chosen = greedy_in_order(scores)
        found = chosen != NO_PARTNER
        track[block[found]] = free[chosen[found]]
        similarity[block[found]] = scores[np.flatnonzero(found), chosen[found]]
        keep = np.ones(len(free), dtype=bool)
        keep[chosen[found]] = False
        free, free_vectors = free[keep], free_vectors[keep]
        done += len(block)
        if on_progress is not None and on_progress(done, n) is False:
            raise Stopped(f"stopped after {done} of {n} pictures", Pairing(track, similarity))
    return Pairing(track, similarity)


def greedy_in_order(similarity: np.ndarray) -> np.ndarray:
    """Rows from first to last, each takes its best free column; int64 (rows,), -1 when columns ran out. Exact.

    >>> greedy_in_order(np.array([[0.9, 0.8], [0.7, 0.1], [0.5, 0.5]]))
    array([ 1,  0, -1])
    """
    chosen = np.full(len(similarity), NO_PARTNER, dtype=np.int64)
    scores = similarity.copy()
    for row in range(min(scores.shape)):
        column = int(scores[row].argmax())
        chosen[row] = column
        scores[row + 1 :, column] = -np.inf
    return chosen


def greedy_global(similarity: np.ndarray) -> np.ndarray:
    """The largest remaining entry of (rows, columns) first; columns by row (rows,) as in `greedy_in_order`. Needs the
    whole matrix."""
    chosen = np.full(len(similarity), NO_PARTNER, dtype=np.int64)
    taken = np.zeros(similarity.shape[1], dtype=bool)
    for flat in np.argsort(-similarity, axis=None, kind="stable"):
        row, column = divmod(int(flat), similarity.shape[1])
        if chosen[row] == NO_PARTNER and not taken[column]:
            chosen[row] = column
            taken[column] = True
    return chosen


def optimal(similarity: np.ndarray) -> np.ndarray:
    """The assignment with the largest sum of entries of (rows, columns), by the Hungarian method; columns by row
    (rows,), -1 for none. Needs the whole matrix."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(similarity, maximize=True)
    chosen = np.full(len(similarity), NO_PARTNER, dtype=np.int64)
    chosen[rows] = columns
    return chosen


@dataclass(frozen=True)
class PairStatistics:
    """The columns of the paper's table 1: cosine of the pairs."""

    n: int
    largest: float
    smallest: float
    mean: float
    n_above_mean: int
    n_below_mean: int


def pair_statistics(similarity: np.ndarray) -> PairStatistics:
    """The table's row of the pairs that were found, from their cosines (pairs,) in -1..1; NaN is left out.

    Raises:
        UsageError: there are none.
    """
    found = np.asarray(similarity, dtype=np.float64)
    found = found[np.isfinite(found)]
    if not len(found):
        raise UsageError("no pairs were found; give at least one picture and one track that can be read")
    mean = found.mean()
    return PairStatistics(
        n=len(found),
        largest=float(found.max()),
        smallest=float(found.min()),
        mean=float(mean),
        n_above_mean=int((found > mean).sum()),
        n_below_mean=int((found < mean).sum()),
    )
