"""The main road, measured as a user meets it: install, help, import, picture to 60 s of music.

    python benchmarks/road.py [--install [--extra web]...] [--runs N]

Whole processes, medians of N runs, on whatever this machine is doing: ratios of two rows of one run are worth more than any
single figure. Decoding and rendering have files of their own (`decode.py`, `render.py`).
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "examples" / "pictures" / "lake-at-dawn.jpg"


def timed(command: list[str], runs: int) -> tuple[float, float]:
    """Median wall seconds and the largest peak memory in MB of `runs` runs."""
    walls, peak = [], 0.0
    for _ in range(runs):
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status):
            raise SystemExit(f"{' '.join(command)} failed")
        walls.append(time.perf_counter() - started)
        peak = max(peak, usage.ru_maxrss / 1024)
    return statistics.median(walls), peak


def row(what: str, goal: str, measured: str) -> None:
    print(f"| {what} | {goal} | {measured} |", flush=True)


def install(folder: Path, extra: str = "") -> None:
    """A fresh environment with klangbild alone, or with one of its extras as well."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    bare = size_mb(folder)
    subprocess.run(
        [folder / "bin" / "python", "-m", "pip", "install", "-q", f"{ROOT}{f'[{extra}]' if extra else ''}"], check=True
    )
    seconds, megabytes = time.perf_counter() - started, size_mb(folder)
    there = list(folder.glob("lib/python*/site-packages/torch"))
    what = f"install with `[{extra}]` into a fresh venv" if extra else "base install into a fresh venv"
    row(what, "" if extra else "<= 60 s, <= 500 MB, no torch",
        f"{seconds:.0f} s, {megabytes:.0f} MB (of it {bare:.0f} the bare venv), {'torch!' if there else 'no torch'}")  # fmt: skip


def size_mb(folder: Path) -> float:
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", help="also measure the install (needs the network)")
    parser.add_argument("--extra", action="append", default=[], help="with --install: an extra as well, like web")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    )
    print("| what | goal | measured |\n|---|---|---|")
    work = Path(tempfile.mkdtemp(prefix="klangbild-road-"))
    try:
        python = sys.executable
        if arguments.install:
            install(work / "venv")
            for extra in arguments.extra:
                install(work / f"venv-{extra}", extra)
            python = str(work / "venv" / "bin" / "python")
        run = [python, "-m", "klangbild.cli.main"]
        timed([python, "-c", "pass"], 1)
        bare, _ = timed([python, "-c", "pass"], arguments.runs)
        wall, _ = timed([*run, "--help"], arguments.runs)
        row("`klangbild --help`", "< 0.4 s", f"{wall:.2f} s (bare Python {bare:.2f})")
        wall, _ = timed([*run, "compose", "--help"], arguments.runs)
        row("`klangbild compose --help`", "< 0.4 s", f"{wall:.2f} s")
        wall, _ = timed([python, "-c", "import klangbild"], arguments.runs)
        row("`import klangbild`", "< 0.2 s", f"{wall:.2f} s")
        command = [*run, str(PICTURE), "-o", str(work), "--seconds", "60", "--overwrite", "--seed", "7"]
        timed(command, 1)
        wall, peak = timed(command, arguments.runs)
        row(
            "picture to MIDI + WAV + PNG + JSON, 60 s of music",
            "<= 10 s, <= 700 MB",
            f"{wall:.1f} s, {peak:.0f} MB peak",
        )
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"(this process and its children: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime:.0f} CPU seconds)")


if __name__ == "__main__":
    main()
