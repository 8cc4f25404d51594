"""The notes models on a machine with a GPU, from the repository's root:

    python configs/gpu.py OUT first     # six minutes on an H100: the model that ships
    python configs/gpu.py OUT second    # five: what is made from it, and what it is compared with

Needs `data/prepared/notes.npz` (and `notes-novgmidi.npz` for the strict model), torch, numpy and safetensors. Second are, side by
side: another end of the same run, with more dropout, for the mean of both; the three other modes, fine-tuned from the first;
a model that has seen no rating of VGMIDI (for measuring steering by a judge who has); and the four modes from scratch on one
small budget. OUT gets float16 weights and all logs; a part that fails leaves the others alone.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

BEGUN = time.monotonic()
LAST_SECOND = 540.0
"""What still trains then is asked to stop and keeps what it has."""
MODES = ("continuous_token", "discrete_token", "none")
RUNS = Path("runs/gpu")


def train(name: str, *arguments: str, **settings: object) -> subprocess.Popen:
    """`klangbild train notes` in a process of its own, with configs/notes.toml and these settings instead."""
    folder = RUNS / name
    folder.mkdir(parents=True, exist_ok=True)
    text = []
    changed = {"run": str(folder), "heldout_every": 250, "checkpoint_minutes": 1.0, "warmup": 100, **settings}
    for line in Path("configs/notes.toml").read_text(encoding="utf-8").splitlines():
        if line.split(" = ")[0] not in changed:
            text.append(line)
    at = text.index("[pool_shares]")
    text[at:at] = [f"{key} = {value!r}".replace("'", '"').replace("True", "true") for key, value in changed.items()]
    (folder / "config.toml").write_text("\n".join(text) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "klangbild.cli.main", "train", "notes", "--device", "cuda", "--config"]
    environment = {
        **os.environ,
        "PYTHONPATH": "src",
        "PYTHONUNBUFFERED": "1",
        "TORCHDYNAMO_SUPPRESS_ERRORS": "1",
        "OMP_NUM_THREADS": "2",
    }
    log = (folder / "err.txt").open("w")
    return subprocess.Popen(
        [*command, str(folder / "config.toml"), *arguments], env=environment, stderr=log, stdout=log
    )


def keep(name: str, out: Path) -> Path | None:
    """The averaged weights of a run as `out/NAME.safetensors`; None (and a line) if the run left nothing."""
    from klangbild.models.bars.network_torch import NetworkSizes
    from klangbild.training.checkpoint import load_checkpoint
    from klangbild.training.weights_torch import save_weights

    for file in (RUNS / name / "decayed.pt", RUNS / name / "last.pt"):
        if file.exists():
            break
    else:
        print(f"{name}: left nothing; see its err.txt", flush=True)
        return None
    state = load_checkpoint(file)
    sizes = NetworkSizes(**state["sizes"])
    header = {
        "name": f"notes-{sizes.mode}", "mode": sizes.mode, "sizes": dataclasses.asdict(sizes),
        "context": state["config"]["context"], "language": "bars", "language_version": 1,
        "training": {"steps": state["step"], "ids_seen": state["ids_seen"], "minutes": round(state["minutes"], 1)},
    }  # fmt: skip
    target = out / f"{name}.safetensors"
    save_weights(target, state["average"]["weights"], half=True, notes=header)
    print(f"{name}: {file.name}, step {state['step']}, {time.monotonic() - BEGUN:.0f} s", flush=True)
    return target


def wait(running: dict[str, subprocess.Popen]) -> None:
    """Until all have ended, or the last second has come."""
    asked = False
    while any(process.poll() is None for process in running.values()):
        if time.monotonic() - BEGUN > LAST_SECOND and not asked:
            asked = True
            for process in running.values():
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
        time.sleep(0.2)


def first(out: Path) -> None:
    """The model that ships, alone on the GPU."""
    fast = {"rows": 64, "compile": True}
    minutes = os.environ.get("MAIN_MINUTES", "3.4"), os.environ.get("MAIN_DECAY_MINUTES", "2.0")
    wait({"main": train("continuous_concat", "--minutes", minutes[0], "--decay-minutes", minutes[1], **fast)})
    print((RUNS / "continuous_concat" / "err.txt").read_text()[-3000:], flush=True)
    if keep("continuous_concat", out) is None:
        sys.exit(1)


def second(out: Path) -> None:
    """What is made from the first, and what it is compared with, side by side."""
    best, scratch = out / "continuous_concat.safetensors", out / "scratch"
    (RUNS / "second-end").mkdir(parents=True, exist_ok=True)
    shutil.copy(RUNS / "continuous_concat" / "last.pt", RUNS / "second-end")
    steps = ("--steps", "300", "--decay-steps", "700")
    running = {
        mode: train(mode, "--weights", str(best), *steps, mode=mode, rows=32, muon_lr=0.005, adamw_lr=0.001)
        for mode in MODES
    }
    running["second-end"] = train("second-end", "--decay-minutes", "3.1", rows=64, dropout=0.2, weight_decay=0.2)
    running["strict"] = train("strict", "--minutes", "1.9", "--decay-minutes", "1.3", rows=64,
                              data="data/prepared/notes-novgmidi.npz")  # fmt: skip
    for mode in ("continuous_concat", *MODES):
        name = f"scratch-{mode}"
        running[name] = train(name, "--steps", "200", "--decay-steps", "200", mode=mode, rows=32,
                              data="data/prepared/notes-novgmidi.npz")  # fmt: skip
    wait(running)
    for name in running:
        keep(name, scratch if name.startswith("scratch") else out)
    with tarfile.open(out / "logs.tar.gz", "w:gz") as archive:
        for file in sorted(RUNS.glob("*/*")):
            if file.suffix in (".csv", ".txt", ".toml", ".png"):
                archive.add(file)
    print(f"done after {time.monotonic() - BEGUN:.0f} s", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, "src")
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    {"first": first, "second": second}[sys.argv[2]](target)
