"""The four conditioning modes side by side, each from scratch at one budget.

    python benchmarks/modes.py train [--data data/prepared/notes-novgmidi.npz] [--steps 640] [--decay-steps 160]
    python benchmarks/modes.py measure [--seeds 2] [--seconds 16] [-o runs/modes.json]

`train` makes `runs/modes/MODE` with the settings of configs/notes.toml, only the mode differs: the same chunks in the same
order, the same number of steps, the rate brought to zero at the end. A run that is there already goes on. `measure` exports
each (float32 and int8, as shipped models are) and prints nats an id, top-1 and top-5 on the held-out pieces and, of pieces made
on a 5 x 5 grid of emotions, how far the judge reads them from what was asked (mean absolute difference, both on percentiles).

The data can be labelled without one rated corpus (`klangbild data prepare notes ... --exclude-labels vgmidi`): the judge
trained on that corpus then shares no rating with the models, which makes this the strict measurement of steering, too.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path

from klangbild.train.notes import CHECKPOINT, DECAYED, NotesConfig, train

MODES = ("continuous_concat", "continuous_token", "discrete_token", "none")


def config_of(mode: str, data: str, work: Path) -> NotesConfig:
    return dataclasses.replace(
        NotesConfig.load(Path("configs/notes.toml")), mode=mode, data=data, run=str(work / mode), heldout_every=10**9
    )


def train_modes(arguments: argparse.Namespace) -> None:
    for mode in arguments.modes:
        config, folder = config_of(mode, arguments.data, arguments.work), arguments.work / mode
        if (folder / DECAYED).is_file():
            print(f"{mode}: already trained")
            continue
        begun = time.process_time()
        there = (folder / CHECKPOINT).is_file()
        trainer = train(config, steps=0 if there else arguments.steps - arguments.decay_steps, resume=there)
        rest = arguments.steps - arguments.decay_steps - trainer.step
        if rest > 0:
            trainer = train(config, steps=rest, resume=True)
        trainer = train(config, decay_steps=arguments.decay_steps)
        used = {"cpu_minutes": (time.process_time() - begun) / 60, "steps": trainer.step, "ids": trainer.ids_seen}
        (folder / "budget.json").write_text(json.dumps(used) + "\n", encoding="utf-8")
        print(mode, used, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("--data", default="data/prepared/notes-novgmidi.npz")
    parser.add_argument("--work", type=Path, default=Path("runs/modes"))
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    parser.add_argument("--steps", type=int, default=640)
    parser.add_argument("--decay-steps", type=int, default=160)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=16.0)
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    train_modes(arguments)


if __name__ == "__main__":
    main()
