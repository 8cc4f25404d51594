"""Break klangbild in one place at a time and see whether its tests notice: a test that cannot fail protects nothing.

    python benchmarks/mutations.py [--only guidance,pan] [--jobs 2] [--no-first-run] [--list]

`mutation_cases.py` lists the changes: a file, a text that stands in it just once, what it becomes, and the test files of which one
must fail. Each is made in a temporary copy of the checkout (never in the checkout itself), where only these files run. First they all run
with nothing changed: a test that fails anyway catches nothing. A table is printed; exit 1 where a change SURVIVED, does not apply
(the code has moved: mend the list), or only made the tests impossible to collect.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutation_cases import CASES, Case

ROOT = Path(__file__).resolve().parents[1]
_NOT_NEEDED = ("checkpoints/",)
_MAX_S = 600
_FAILED, _NOT_COLLECTED = 1, (2, 3, 4, 5)  # pytest's exit codes


def copy_checkout(to: Path) -> Path:
    """What git tracks, or would, as it stands now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and not name.startswith(_NOT_NEEDED) and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, to / name)
    return to


def run_tests(copy: Path, files: tuple[str, ...]) -> tuple[int, str]:
    """pytest's exit code in a copy, and the line on the first failure. 1 where it takes longer than ten minutes."""
    # no .pyc: two versions of a file, of one length and written in one second, would share it
    environment = os.environ | {
        "PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files]
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=_MAX_S, check=False
        )
    except subprocess.TimeoutExpired:
        return _FAILED, f"no end in {_MAX_S} s"
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode, lines[0] if lines else ""


def try_case(copy: Path, case: Case) -> tuple[str, str]:
    """(what came of a change, the test that told)."""
    path = copy / case.file
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if before.count(case.old) != 1 or case.old == case.new:
        return "does not apply", f"{before.count(case.old)} places in {case.file}"
    path.write_text(before.replace(case.old, case.new), encoding="utf-8")
    try:
        code, told = run_tests(copy, case.tests)
    finally:
        path.write_text(before, encoding="utf-8")
    if code == _FAILED:
        return "caught", told
    return ("does not run" if code in _NOT_COLLECTED else "SURVIVED"), told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="words, one of which the name of a change holds, with commas")
    parser.add_argument("--jobs", type=int, default=1, help="copies at work side by side")
    parser.add_argument("--no-first-run", action="store_true", help="trust that the tests pass with nothing changed")
    parser.add_argument("--list", action="store_true", help="name the changes and end")
    options = parser.parse_args()
    words = [word for word in options.only.split(",") if word]
    cases = [case for case in CASES if not words or any(word in case.name for word in words)]
    if options.list:
        print(*(f"{case.name}: {case.file}" for case in cases), sep="\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for number in range(options.jobs):
            # two levels down: tests look beside the checkout for reference data, and shall not find any
            copies.put(copy_checkout(Path(folder) / str(number) / "checkout"))

        def in_a_copy(work, *args) -> tuple[str, str, float]:
            copy, began = copies.get(), time.monotonic()
            try:
                return *work(copy, *args), time.monotonic() - began
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(options.jobs) as pool:
            files = [] if options.no_first_run else sorted({file for case in cases for file in case.tests})
            whole = list(pool.map(lambda file: in_a_copy(run_tests, (file,)), files))
            broken = [f"{file}: {told}" for file, (code, told, _) in zip(files, whole, strict=True) if code]
            if broken:
                print("these fail with nothing changed, mend them first:", *broken, sep="\n  ")
                return 1
            found = []
            for case, (what, told, seconds) in zip(
                cases, pool.map(lambda case: in_a_copy(try_case, case), cases), strict=True
            ):
                found.append(what)
                print(f"{what:<15} {case.name:<58} {seconds:4.0f} s  {told}", flush=True)
    n_caught = found.count("caught")
    print(f"{n_caught} of {len(cases)} caught")
    return 0 if n_caught == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
