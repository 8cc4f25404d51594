"""A folder composed under `kill -9`: is every picture made once, with the bytes of a run that nobody killed?

    python benchmarks/resume.py --pictures 120 --kills 20 --workers 2

The process that gives out the work is killed with SIGKILL at random moments (its workers end by themselves), and the same command is
given again, until it comes to its end. Then its pieces are held against those of a run that was left alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--longest", type=float, default=8.0, help="seconds until a kill, at most")
    args = parser.parse_args()
    rng, moments = np.random.default_rng(0), random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        pictures, out, alone = (Path(place) / name for name in ("pictures", "out", "alone"))
        pictures.mkdir()
        for number in range(args.pictures):
            Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(pictures / f"{number:04d}.png")
        command = [
            sys.executable,
            "-m",
            "klangbild",
            "compose",
            str(pictures),
            "--seconds",
            "2",
            "--seed",
            "1",
            "-f",
            "mid,json",
        ]
        command += ["--workers", str(args.workers), "-q"]
        kills = 0
        while True:
            run = subprocess.Popen([*command, "-o", str(out)], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
            if kills < args.kills:
                time.sleep(moments.uniform(0.2, args.longest))
                if run.poll() is None:
                    run.send_signal(signal.SIGKILL)
                    run.wait()
                    kills += 1
                    continue
            if run.wait() != 0:
                raise SystemExit(f"it ended with {run.returncode}")
            break
        subprocess.run([*command, "-o", str(alone)], env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
        lines = (out / "klangbild-journal.jsonl").read_text().splitlines()[1:]
        entries = Counter(json.loads(line)["picture"] for line in lines if line.startswith("{") and line.endswith("}"))
        files = {path.name: path.read_bytes() for path in out.glob("*.mid")}
        expected = {path.name: path.read_bytes() for path in alone.glob("*.mid")}
        strange = [path.name for path in out.iterdir() if path.suffix not in (".mid", ".json", ".jsonl")]
        print(
            f"{kills} kills; pictures {args.pictures}: in the journal {len(entries)}, twice {sum(n > 1 for n in entries.values())}"
        )
        print(
            f"pieces {len(files)}, equal to an undisturbed run {sum(files.get(k) == v for k, v in expected.items())}; left over: {strange}"
        )


if __name__ == "__main__":
    main()
