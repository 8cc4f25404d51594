"""Kill klangbild at random moments and look at what is left: no half file, no checkpoint that cannot be read, nothing in the way.

    python benchmarks/kills.py [--kills 100] [--seed 1] [--only compose,train] [--signal KILL|INT|TERM]

Every command runs once undisturbed; then again and again in a fresh folder, killed at a moment drawn from its whole duration.
What lies under a final name must be what the undisturbed run wrote, byte for byte, or (where a file tells its own times)
readable to its end. After every fifth kill the same command must run to its end in that folder and leave nothing hidden.
Linux and macOS.
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
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
# what tells of its own run (times, moments at which a checkpoint was due), so that two runs differ
_OF_THE_RUN = (".json", ".jsonl", ".zip", ".pt", ".csv", ".png")
CONFIG = """data = "notes.npz"
run = "run"
width = 32
layers = 2
heads = 2
hidden = 64
condition_width = 8
context = 64
rows = 2
warmup = 5
heldout_chunks = 2
heldout_every = 20
checkpoint_minutes = 0.002
"""


@dataclass
class Case:
    """A command. prepare: fills a fresh folder; command: of that folder; home: where added models are put."""

    name: str
    command: Callable[[Path], list[str]]
    prepare: Callable[[Path], None]
    needs_torch: bool = False
    duration_s: float = 0.0
    whole: dict[str, bytes] = field(default_factory=dict)


def cases(shared: Path) -> list[Case]:
    """The commands, and what they read, made in `shared`."""
    make_pictures(shared / "pictures")
    make_midi(shared / "midi")

    def nothing(folder: Path) -> None:
        folder.mkdir()

    def training(folder: Path) -> None:
        folder.mkdir()
        (folder / "notes.npz").write_bytes((shared / "notes.npz").read_bytes())
        (folder / "notes.toml").write_text(CONFIG)

    def train(folder: Path) -> list[str]:
        again = ["--resume"] if (folder / "run" / "last.pt").exists() else []
        return ["train", "notes", "--config", "notes.toml", "--steps", "60", *again]

    picture = str(shared / "pictures" / "0.png")
    fast = ["--seconds", "3", "--seed", "1"]
    return [
        Case("compose", lambda f: [picture, *fast, "-o", "out", "-f", "all", "--overwrite"], nothing),
        Case("batch", lambda f: [str(shared / "pictures"), *fast, "-o", "out", "-f", "mid,wav,json", "--overwrite"], nothing),
        Case("data prepare", lambda f: ["data", "prepare", "notes", str(shared / "midi"), "-o", "notes.npz"], nothing),
        Case("train", train, training, needs_torch=True),
        Case(
            "models add",
            lambda f: ["models", "add", "aria", "--from", str(shared / "aria"), "--name", "tiny", "--overwrite"],
            nothing, needs_torch=True,
        ),
    ]  # fmt: skip


def make_pictures(folder: Path, n: int = 2) -> None:
    from PIL import Image

    folder.mkdir(parents=True)
    for number in range(n):
        rgb = np.random.default_rng(number).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(rgb).save(folder / f"{number}.png")


def make_midi(folder: Path, n: int = 8) -> None:
    from klangbild.music.midi import to_midi_bytes
    from klangbild.music.piece import Piece, Track, make_notes

    folder.mkdir(parents=True)
    for number in range(n):
        pitches = 48 + np.resize([0, 2, 4, 5, 7, 9, 11, 12], 128) + 3 * (number % 4) + np.arange(128) % (number + 3)
        notes = make_notes(np.arange(128) / 2, [0.5] * 128, pitches, [80] * 128)
        piece = Piece((Track("piano", 0, notes),), tempos=((0.0, 90.0 + number),))
        (folder / f"{number}.mid").write_bytes(to_midi_bytes(piece))


def make_for_training(shared: Path) -> None:
    """Prepared notes, and a tiny checkpoint in the published layout."""
    sys.path.insert(0, str(ROOT / "tests" / "hub"))
    from published_checkpoints import write_checkpoint

    from klangbild.models.bars.data.prepare import prepare_notes

    prepare_notes(shared / "midi", shared / "notes.npz", progress=False)
    write_checkpoint(shared / "aria", "continuous_concat")


def start(case: Case, folder: Path) -> subprocess.Popen:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "KLANGBILD_OFFLINE": "1",
        "KLANGBILD_HOME": str(folder / "home"),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "klangbild", *case.command(folder)], cwd=folder, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def run_whole(case: Case, folder: Path) -> None:
    """Once undisturbed: how long it takes, and what it leaves."""
    case.prepare(folder)
    begun = time.monotonic()
    process = start(case, folder)
    _, err = process.communicate()
    if process.returncode:
        raise SystemExit(f"{case.name}: failed undisturbed: {err.decode(errors='replace')[-400:]}")
    case.duration_s = time.monotonic() - begun
    case.whole = {str(path.relative_to(folder)): path.read_bytes() for path in files_in(folder)}


def killed(case: Case, folder: Path, after_s: float, number: int) -> int | None:
    """Run and kill; gives the exit code."""
    case.prepare(folder)
    process = start(case, folder)
    time.sleep(after_s)
    process.send_signal(number)
    process.communicate(timeout=60)
    return process.returncode


def faults_in(case: Case, folder: Path) -> list[str]:
    """What of it is not whole."""
    found = []
    for path in files_in(folder):
        name = str(path.relative_to(folder))
        if is_hidden(path, folder):
            continue
        same = case.whole.get(name) == path.read_bytes()
        if not same and (path.suffix not in _OF_THE_RUN or not _readable(path)):
            found.append(name)
    # of a model's folder, all or nothing
    if case.name == "models add" and (folder / "home" / "models" / "tiny").exists():
        names = {name for name in case.whole if name.startswith("home/models/tiny/")}
        found += sorted(name for name in names if not (folder / name).exists())
    return found


def _readable(path: Path) -> bool:
    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        elif path.suffix == ".png":
            from PIL import Image

            with Image.open(path) as image:
                image.load()
        elif path.suffix == ".csv":  # a log grows by rows
            return True
        elif path.suffix == ".jsonl":  # so does a journal; a torn line is none
            from klangbild.batch.journal import Journal

            return Journal.read(path.parent) is not None
        else:
            import torch

            torch.load(path, weights_only=True)
    except Exception:  # noqa: BLE001 - each reader has its own way to say "damaged"
        return False
    return True


def goes_on(case: Case, folder: Path) -> str | None:
    """The same command in what the killed one left: None, or what is wrong."""
    process = start(case, folder)
    _, err = process.communicate(timeout=300)
    if process.returncode:
        return f"the next run fails: {err.decode(errors='replace').strip().splitlines()[-1][:160]}"
    hidden = [path.name for path in files_in(folder) if is_hidden(path, folder)]
    if hidden:
        return f"still hidden after the next run: {', '.join(hidden)}"
    missing = [name for name in case.whole if not (folder / name).exists()]
    return f"missing after the next run: {', '.join(missing)}" if missing else None


@dataclass
class Tally:
    """Of one command. none, some, all: kills that left no final name, some of them, every one."""

    kills: int = 0
    none: int = 0
    some: int = 0
    all: int = 0
    hidden: int = 0
    next_runs: int = 0
    faults: list[str] = field(default_factory=list)


def try_case(case: Case, folder: Path, kills: int, rng: random.Random, number: int) -> Tally:
    """Kill one command so often, each in a folder of its own below `folder`."""
    tally = Tally()
    folder.mkdir()
    run_whole(case, folder / "whole")
    brought = len(files_in(folder / "whole")) - len(case.whole)
    for kill in range(kills):
        place = folder / str(kill)
        after_s = rng.uniform(0.02, case.duration_s)
        code = killed(case, place, after_s, number)
        final = [path for path in files_in(place) if not is_hidden(path, place)]
        made = len(final) - brought
        tally.kills += 1
        tally.hidden += any(is_hidden(path, place) for path in files_in(place))
        which = "all" if made == len(case.whole) else "some" if made > 0 else "none"
        setattr(tally, which, getattr(tally, which) + 1)
        wrong = faults_in(case, place)
        if number != signal.SIGKILL and code not in (0, 128 + number, -number):
            wrong.append(f"exit code {code}")
        if kill % 5 == 4 or kill == kills - 1:
            tally.next_runs += 1
            if said := goes_on(case, place):
                wrong.append(said)
        tally.faults += [f"{case.name}, killed after {after_s:.2f} s: {one}" for one in wrong]
    return tally


def try_all(kills: int, *, seed: int, only: Iterable[str] = (), number: int = signal.SIGKILL) -> dict[str, Tally]:
    """Kills spread over the commands -> what each left."""
    rng, tallies = random.Random(seed), {}
    with tempfile.TemporaryDirectory(prefix="klangbild-kills-") as name:
        shared = Path(name) / "shared"
        chosen = [case for case in cases(shared) if not only or case.name in only]
        if any(case.needs_torch for case in chosen):
            make_for_training(shared)
        for place, case in enumerate(chosen):
            share = kills // len(chosen) + (place < kills % len(chosen))
            tallies[case.name] = try_case(case, Path(name) / case.name, share, rng, number)
    return tallies


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="of compose, batch, data prepare, train, models add")
    parser.add_argument("--signal", choices=("KILL", "INT", "TERM"), default="KILL")
    given = parser.parse_args()
    only = [part.strip() for part in given.only.split(",") if part.strip()]
    tallies = try_all(given.kills, seed=given.seed, only=only, number=getattr(signal, f"SIG{given.signal}"))
    print("| command | kills | left no file | some | all | hidden left | next runs | faults |")
    print("|---|---|---|---|---|---|---|---|")
    for name, t in tallies.items():
        print(f"| {name} | {t.kills} | {t.none} | {t.some} | {t.all} | {t.hidden} | {t.next_runs} | {len(t.faults)} |")
    faults = [fault for tally in tallies.values() for fault in tally.faults]
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
