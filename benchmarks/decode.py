"""How fast the shipped notes models decode, raw and in real pieces, at one and two threads.

    python benchmarks/decode.py [--threads 1 2] [--models continuous_concat ...] [--candidates 1 4 8] [--seconds 60]

Raw: every row of the first table decodes greedily from an empty memory to 512 (then 1024) ids; the best of --repeats. Rows: 1 is a
piece without guidance, 2 a piece with it, 8 and 16 are four and eight candidates with guidance, stepped as one batch; the
figure counts the ids of pieces, not of rows (8 rows give 4 ids a step).

Music: the second table composes real pieces with the first model named, everything included that a user waits for until
the notes are there (guidance at its default, grammar, leaning, ranking, key): ids drawn, over all candidates, and seconds
for a minute of the piece that is kept. Candidates are drawn one after another.

Both are given by CPU time and by wall time. On a machine with other work only the first says anything at one thread; at
two threads CPU time is that of both together, and only wall time on a quiet machine says what the second thread brings.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from klangbild.emotion.space import Emotion
from klangbild.models.bars.conditioning import MODES
from klangbild.models.bars.engine import compose_notes
from klangbild.models.bars.runtime import NotesRuntime, load
from klangbild.models.bars.weights import model_file
from klangbild.settings import Settings
from klangbild.shipped import weights_folder

LENGTHS = (512, 1024)
PIECES = ((0.3, 0.5), (-0.6, -0.4), (0.7, 0.8))
"""Valence and arousal of the pieces that are composed, each with a seed of its own."""


def ids_per_second(runtime: NotesRuntime, length: int, rows: int, repeats: int) -> tuple[float, float]:
    """Best of some repeats: ids of pieces per CPU second, and per second of wall time."""
    condition = np.tile(np.array([[0.3, 0.5, 1.0]], np.float32), (rows, 1))
    best_cpu = best_wall = np.inf
    for _ in range(repeats):
        runtime.start(rows)
        ids = np.ones((rows, 1), np.int64)  # BOS
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(length):
            ids = runtime.step(ids, condition).argmax(axis=1)[:, None]
        best_cpu = min(best_cpu, time.process_time() - cpu)
        best_wall = min(best_wall, time.perf_counter() - wall)
    drawn = length * max(rows // 2, 1)
    return drawn / best_cpu, drawn / best_wall


def print_raw(folder: Path, models: list[str], threads: list[int], rows: list[int], repeats: int) -> None:
    """Ids per second of the network alone."""
    print("| model | threads | rows | to 512 ids: ids per CPU second (wall) | to 1024 |\n|---|---|---|---|---|")
    for mode in models:
        for n_threads in threads:
            runtime = load(model_file(folder, mode), threads=n_threads)
            for n_rows in rows:
                speeds = [ids_per_second(runtime, length, n_rows, repeats) for length in LENGTHS]
                cells = " | ".join(f"{cpu:,.0f} ({wall:,.0f})" for cpu, wall in speeds)
                print(f"| {mode} | {n_threads} | {n_rows} | {cells} |", flush=True)


def print_music(model_file: Path, threads: list[int], candidates: list[int], seconds: float) -> None:
    """Seconds for a minute of music in real pieces, with guidance."""
    print(
        f"\n| threads | candidates | pieces of {seconds:g} s | ids drawn | ids per CPU second (wall) | "
        "CPU seconds for a minute of music (wall) |\n|---|---|---|---|---|---|"
    )
    for n_threads in threads:
        model = load(model_file, threads=n_threads)
        for n_candidates in candidates:
            settings = Settings(seconds=seconds, candidates=n_candidates, conditioning=model.conditioning)
            pieces = PIECES if n_candidates == 1 else PIECES[:1]
            drawn, music_s = 0, 0.0
            cpu, wall = time.process_time(), time.perf_counter()
            for seed, (valence, arousal) in enumerate(pieces):
                composition = compose_notes(Emotion(valence, arousal), settings, seed, model=model)
                drawn += composition.n_tokens
                music_s += composition.piece.seconds
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            minutes = music_s / 60.0
            print(f"| {n_threads} | {n_candidates} | {len(pieces)} | {drawn:,} | {drawn / cpu:,.0f} ({drawn / wall:,.0f}) | "
                  f"{cpu / minutes:.1f} ({wall / minutes:.1f}) |", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--models", nargs="+", default=["continuous_concat"], choices=MODES)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 2, 8, 16])
    parser.add_argument("--candidates", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument(
        "--repeats", type=int, default=3, help="of the raw table; the best counts (default %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the pieces composed")
    args = parser.parse_args()
    folder = weights_folder()
    load_average = os.getloadavg()[0]
    print(f"load of the machine before the start: {load_average:.1f} on {os.cpu_count()} processors\n")
    print_raw(folder, args.models, args.threads, args.rows, args.repeats)
    print_music(model_file(folder, args.models[0]), args.threads, args.candidates, args.seconds)


if __name__ == "__main__":
    main()
