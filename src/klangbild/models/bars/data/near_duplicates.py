"""Finding pieces that are nearly the same, so that no copy of a held-out piece is trained on.

A piece's print is the set of its runs of eight pitch steps (over all pitched notes in order of time), which transposition
and tempo leave alone. MinHash estimates how much two such sets share; banding finds the pairs worth comparing.

References: Broder (1997), "On the resemblance and containment of documents"; Leskovec, Rajaraman, Ullman, "Mining of
Massive Datasets", chapter 3 (banding).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np

from klangbild.music.piece import Piece

RUN = 8
N_HASHES = 64
_BANDS = 32
_SEED = 20261120
_PRIME = np.uint64(1099511628211)


def _runs(piece: Piece) -> np.ndarray:
    """One 64-bit hash for each run of `RUN` pitch steps: (n,) uint64, unique."""
    parts = [t.notes for t in piece.tracks if not t.is_drum and len(t.notes)]
    if not parts:
        return np.zeros(0, np.uint64)
    notes = np.concatenate(parts)
    # 1/24 beat: small shifts between exports must not reorder a chord
    order = np.lexsort((notes["pitch"], np.rint(notes["onset"] * 24.0)))
    steps = (np.diff(notes["pitch"][order].astype(np.int64)) + 128).astype(np.uint64)
    if len(steps) < RUN:
        return np.zeros(0, np.uint64)
    hashes = np.zeros(len(steps) - RUN + 1, np.uint64)
    with np.errstate(over="ignore"):
        for i in range(RUN):
            hashes = (hashes ^ steps[i : i + len(hashes)]) * _PRIME
    return np.unique(hashes)


def minhash(piece: Piece) -> np.ndarray | None:
    """The piece's print (N_HASHES,) uint64, or None for a piece too short to compare (< 24 different runs)."""
    runs = _runs(piece)
    if len(runs) < 24:
        return None
    rng = np.random.default_rng(_SEED)
    factors = rng.integers(1, 2**63, N_HASHES, dtype=np.uint64) | np.uint64(1)
    offsets = rng.integers(0, 2**63, N_HASHES, dtype=np.uint64)
    with np.errstate(over="ignore"):
        mixed = runs[:, None] * factors + offsets
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return mixed.min(axis=0)


def clusters(
    prints: list[np.ndarray | None], *, works: Sequence[Collection[str]] = (), threshold: float = 0.3
) -> np.ndarray:
    """Cluster number of each piece (n,) int: pieces share one if a chain of pairs resembles more than `threshold`, or belongs to
    one work (works: names of the works of each piece, see `work_names`)."""
    parent = np.arange(len(prints))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    rows = N_HASHES // _BANDS
    buckets: dict[tuple, list[int]] = defaultdict(list)
    for index, print_ in enumerate(prints):
        if print_ is not None:
            for band in range(_BANDS):
                buckets[(band, *print_[band * rows : (band + 1) * rows].tolist())].append(index)
    for members in buckets.values():
        first = members[0]
        for other in members[1:]:
            if root(first) != root(other) and (prints[first] == prints[other]).mean() > threshold:
                parent[max(root(first), root(other))] = min(root(first), root(other))
    first_of: dict[str, int] = {}
    for index, names in enumerate(works):
        for name in sorted(names):
            first, own = root(first_of.setdefault(name, index)), root(index)
            parent[max(first, own)] = min(first, own)
    return np.array([root(i) for i in range(len(prints))])
