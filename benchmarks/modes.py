"""The four conditioning modes side by side, each from scratch at one budget.

    python benchmarks/modes.py train [--data data/prepared/notes-novgmidi.npz] [--steps 494] [--decay-steps 80]
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

from klangbild.measure.steering import make, score_rows
from klangbild.models.bars.data.prepared import NoteData
from klangbild.models.bars.training.export import export_notes
from klangbild.models.bars.training.nll import score_heldout, summarise, torch_scorer
from klangbild.models.bars.training.train import NotesConfig, train
from klangbild.training.loop import CHECKPOINT, DECAYED

MODES = ("continuous_concat", "continuous_token", "discrete_token", "none")
READ = ("valence_spearman", "arousal_spearman", "valence_cross", "arousal_cross", "valence_error", "arousal_error")


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


def measure_modes(arguments: argparse.Namespace) -> None:
    """Held-out likelihood of each mode and what the judge reads in pieces made with it; a table, and JSON with --out."""
    out = arguments.work / "out"
    rows = {}
    for mode in arguments.modes:
        config = config_of(mode, arguments.data, arguments.work)
        network, _ = export_notes(config, out_dir=out)
        data = NoteData.load(Path(config.data))
        heldout = score_heldout(
            torch_scorer(network), data, mode=mode, context=config.context, most_pieces=arguments.pieces
        )
        made = make(arguments.work / f"pieces-{mode}", model=str(out), conditioning=mode, seeds=arguments.seeds,
                    seconds=arguments.seconds, guidance=None, candidates=1)  # fmt: skip
        read, _ = score_rows(made, arguments.judge)
        rows[mode] = {
            **json.loads((arguments.work / mode / "budget.json").read_text(encoding="utf-8")),
            "nats_per_id": float(sum(s.nats.sum() for s in heldout) / sum(len(s.nats) for s in heldout)),
            **summarise(heldout),
            **{name: [read[name].value, read[name].low, read[name].high] for name in READ},
        }
    if arguments.out:
        arguments.out.write_text(
            json.dumps({"judge": arguments.judge, "modes": rows}, indent=1) + "\n", encoding="utf-8"
        )
    shown = ("nats_per_id", "bits_per_note", "top1", "top5", *READ)
    print("| | " + " | ".join(rows) + " |\n|---|" + "---|" * len(rows))
    for name in shown:
        cells = [row[name] if isinstance(row[name], list) else [row[name]] for row in rows.values()]
        texts = [f"{c[0]:.3f}" + (f" [{c[1]:.3f}, {c[2]:.3f}]" if len(c) > 1 else "") for c in cells]
        print(f"| {name} | " + " | ".join(texts) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "measure"))
    parser.add_argument("--data", default="data/prepared/notes-novgmidi.npz")
    parser.add_argument("--work", type=Path, default=Path("runs/modes"))
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    parser.add_argument("--steps", type=int, default=494)
    parser.add_argument("--decay-steps", type=int, default=80)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=16.0)
    parser.add_argument("--pieces", type=int, help="of the held-out ones, evenly spread (default: all)")
    parser.add_argument("--judge", default="vgmidi", choices=("emopia", "vgmidi"))
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    {"train": train_modes, "measure": measure_modes}[arguments.what](arguments)


if __name__ == "__main__":
    main()
