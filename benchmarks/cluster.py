"""A cluster that suffers: workers killed every few seconds, the scheduler ended and started again; is every picture made once?

    python benchmarks/cluster.py --pictures 10000 --kill-every 120 --restart-after 600

Starts a Dask scheduler and two workers as processes of this machine, composes a folder of painted noise (notes only) with
`klangbild compose --cluster`, and in the meantime kills a worker with SIGKILL, and ends the scheduler once. Then: pictures lost, pictures that
stand twice in the journal, pieces that differ from those that one process makes (of `--compare` drawn at random), pictures a minute.
Needs the extra `cluster`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}
DASK = [sys.executable, "-c", "from dask.__main__ import main; main()"]


def start(*command: str) -> subprocess.Popen:
    """A quiet process of its own group, so that it can be killed with what it started."""
    return subprocess.Popen(
        [*DASK, *command], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def end(process: subprocess.Popen) -> None:
    """SIGKILL, to all of its group."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def paint(folder: Path, n: int) -> None:
    """n pictures of 64 x 48, each of other noise."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(n):
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(folder / f"{number:05d}.png")


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=5.0, help="of music a picture")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kill-every", type=float, default=20.0, help="seconds between two killed workers")
    parser.add_argument("--restart-after", type=float, default=60.0, help="seconds after which the scheduler is ended")
    parser.add_argument("--compare", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        pictures, out, port = Path(place) / "pictures", Path(place) / "out", free_port()
        paint(pictures, args.pictures)
        address, deaths, restarts = f"tcp://127.0.0.1:{port}", 0, 0

        def scheduler() -> subprocess.Popen:
            return start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")

        def worker() -> subprocess.Popen:
            return start("worker", address, "--nthreads", "1", "--nworkers", "1", "--no-dashboard", "--no-nanny")

        head, workers = scheduler(), []
        time.sleep(3)
        workers = [worker() for _ in range(args.workers)]
        settings = ["--seconds", str(args.seconds), "--seed", "1", "-f", "mid"]
        command = [sys.executable, "-m", "klangbild", "compose", str(pictures), *settings]
        begun = time.monotonic()
        run = subprocess.Popen(
            [*command, "-o", str(out), "--cluster", address],
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        killed_at = begun
        while run.poll() is None:
            time.sleep(0.5)
            now = time.monotonic()
            if now - killed_at >= args.kill_every:
                victim = deaths % args.workers
                if workers[victim].poll() is None:
                    end(workers[victim])
                workers[victim], deaths, killed_at = worker(), deaths + 1, now
            if not restarts and now - begun >= args.restart_after:
                end(head)
                for one in workers:
                    if one.poll() is None:
                        end(one)
                time.sleep(3)
                head, restarts = scheduler(), 1
                time.sleep(3)
                workers = [worker() for _ in range(args.workers)]
        took = time.monotonic() - begun
        for one in (*workers, head):
            if one.poll() is None:
                end(one)
        lines = (out / "klangbild-journal.jsonl").read_text().splitlines()[1:]
        entries = [json.loads(line) for line in lines]
        times = Counter(entry["picture"] for entry in entries if "error" not in entry)
        names = sorted(pictures.iterdir())
        print(f"exit {run.returncode}; {deaths} workers killed, scheduler ended and started {restarts} times")
        print(f"pictures {len(names)}: once {sum(n == 1 for n in times.values())}, twice {sum(n > 1 for n in times.values())}, "
              f"lost {sum(str(name) not in times for name in names)}, failed {sum('error' in entry for entry in entries)}")  # fmt: skip
        print(f"{60 * len(names) / took:.0f} pictures a minute ({took:.0f} s)")
        drawn = random.Random(0).sample(names, min(args.compare, len(names)))
        alone = Path(place) / "alone"
        subprocess.run(
            [*command[:4], *map(str, drawn), *settings, "-o", str(alone)],
            env=ENVIRONMENT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        same = sum(path.read_bytes() == (out / path.name).read_bytes() for path in alone.glob("*.mid"))
        print(f"equal to a single run: {same} of {len(drawn)}")


if __name__ == "__main__":
    main()
