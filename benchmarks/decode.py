"""How fast the shipped notes models decode: ids per second at a full context, greedy, on one thread.

    python benchmarks/decode.py [--threads 1] [--models continuous_concat ...]

Every row decodes from an empty memory to 512 (then 1024) ids; the figure is ids divided by the process's CPU time (and by
wall time, in brackets), best of three. Batch 2 is what guidance costs: the figure counts pieces' ids, not rows.
"""

from __future__ import annotations

import argparse
import time
from importlib.resources import files
from pathlib import Path

import numpy as np

from klangbild.notes.conditioning import MODES
from klangbild.notes.runtime import NotesRuntime, load

LENGTHS, BATCHES, REPEATS = (512, 1024), (1, 2), 3


def ids_per_second(runtime: NotesRuntime, length: int, rows: int) -> tuple[float, float]:
    """Best of `REPEATS`: ids per CPU second, ids per second of wall time."""
    condition = np.tile(np.array([[0.3, 0.5, 1.0]], np.float32), (rows, 1))
    best_cpu = best_wall = np.inf
    for _ in range(REPEATS):
        runtime.start(rows)
        ids = np.ones((rows, 1), np.int64)  # BOS
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(length):
            ids = runtime.step(ids, condition).argmax(axis=1)[:, None]
        best_cpu = min(best_cpu, time.process_time() - cpu)
        best_wall = min(best_wall, time.perf_counter() - wall)
    return length / best_cpu, length / best_wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", nargs="*", default=MODES, choices=MODES)
    args = parser.parse_args()
    folder = Path(str(files("klangbild") / "weights"))
    print("| model | rows | ids | ids per CPU second (wall) |\n|---|---|---|---|")
    for mode in args.models:
        path = folder / f"notes-{mode}.onnx"
        if not path.exists():
            continue
        runtime = load(path, threads=args.threads)
        for rows in BATCHES:
            for length in LENGTHS:
                cpu, wall = ids_per_second(runtime, length, rows)
                print(f"| {mode} | {rows} | {length} | {cpu:,.0f} ({wall:,.0f}) |", flush=True)


if __name__ == "__main__":
    main()
