"""Pairs of many pictures and many tracks: the answer in blocks against the exact one, and time and memory at full size.

    python benchmarks/pairing.py --exact 10000 --pictures 100000 --width 1024

Random vectors with a common part, as embeddings have. The exact answer takes the whole matrix at once (`greedy_in_order`), in a process of
its own; the blocks may use `--memory` MB beside the vectors.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from typing import Any

import numpy as np

from klangbild.models.published.art2mus.data.pairing import greedy_in_order, greedy_pairs, unit_rows


def vectors(n: int, width: int, seed: int) -> np.ndarray:
    """(n, width) float32."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, width), dtype=np.float32) + np.float32(0.5)


def exact(n: int, width: int, memory_mb: float) -> dict[str, Any]:
    """Whether n pictures and n tracks are paired alike by blocks and by the whole matrix."""
    pictures, tracks = vectors(n, width, 0), vectors(n, width, 1)
    blocks = greedy_pairs(pictures, tracks, memory_mb=memory_mb).track
    whole = greedy_in_order(unit_rows(pictures) @ unit_rows(tracks).T)
    return {"pictures": n, "equal pairs": int((blocks == whole).sum()), "different": int((blocks != whole).sum())}


def full(n: int, width: int, memory_mb: float) -> dict[str, Any]:
    """Time and memory of n pictures and n tracks."""
    pictures, tracks = vectors(n, width, 0), vectors(n, width, 1)
    begun, cpu = time.monotonic(), time.process_time()
    found = greedy_pairs(pictures, tracks, memory_mb=memory_mb)
    return {
        "pictures": n,
        "pairs": len(found.pairs),
        "each track once": len(np.unique(found.track)) == len(found.track),
        "seconds": round(time.monotonic() - begun),
        "CPU seconds": round(time.process_time() - cpu),
        "peak MB, vectors included": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exact", type=int, default=10_000)
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--memory", type=float, default=256)
    args = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for case, n in ((exact, args.exact), (full, args.pictures)):
            found = pool.apply(case, (n, args.width, args.memory))
            print(f"{case.__name__}: " + ", ".join(f"{name} {value}" for name, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
