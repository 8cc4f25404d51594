"""How good the picture encoder gets with training: clean grouped r of the emotion heads for each checkpoint of a run.

    klangbild train picture --config FILE.toml      # with `keep_minutes = [1, 2, 4, ...]` in it
    python benchmarks/encoder_minutes.py runs/picture-scratch/minutes-*.pt runs/picture/last.pt [--data DIR]

For each checkpoint (its averaged weights) and for a .safetensors of earlier weights: pictures seen (with those of the weights
it started from), R squared of the teacher's summary on pictures that nobody trained on, and r in ten grouped folds, kind told, as
`klangbild train emotion --evaluate` has it, with the heads fitted anew each time.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from klangbild.emotion.predict import look_at, open_reader
from klangbild.emotion.training.batches import PictureBatches
from klangbild.emotion.training.data.pictures import RATED, rated_pictures, read_set
from klangbild.emotion.training.data.pictures_prepare import load_picture_data
from klangbild.emotion.training.export_encoder import (
    averaged_student,
    export_encoder,
    load_student,
    save_student,
    student_history,
)
from klangbild.emotion.training.fit_heads import cross_validate, evaluate
from klangbild.emotion.training.table import Table, with_teacher
from klangbild.training.checkpoint import load_checkpoint

CELLS = ("photo valence", "photo arousal", "painting valence", "painting arousal")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--data", type=Path, default=Path("data/images"))
    parser.add_argument("--prepared", type=Path, default=Path("data/prepared/pictures.npz"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    rated = rated_pictures(given.data)
    y = np.array([(r.valence, r.arousal) for r in rated])
    kind = np.array([int(r.kind == "painting") for r in rated])
    batches = PictureBatches(
        load_picture_data(given.prepared), shares={"wikiart": 0.4, "photos": 0.15, "photos64": 0.45}, mosaic=0.0
    )
    print("| checkpoint | pictures seen | R2 art | R2 photos | " + " | ".join(CELLS) + " | mean |\n|" + "---|" * 9)
    for path in given.checkpoints:
        if path.suffix == ".safetensors":
            student, seen = load_student(path), student_history(path)["pictures"]
        else:
            state = load_checkpoint(path)
            student = averaged_student(state)
            seen = state["pictures"] + (state.get("before") or {}).get("pictures", 0)
        with tempfile.TemporaryDirectory() as folder:
            export_encoder(student.encoder, Path(folder, "encoder.onnx"))
            weights = save_student(student, Path(folder, "s.safetensors"), about={})
            looks = [
                look_at(
                    open_reader(folder),
                    (p for _, p in read_set(given.data, s, [r.file for r in rated if r.set_name == s])),
                )
                for s in RATED
            ]
            table = Table(np.concatenate([look.inputs for look in looks]), y, kind, np.array([r.group for r in rated]))
            table = with_teacher(table, given.prepared, weights)
        held = cross_validate(table, lambda rows: kind[rows].astype(float), folds=10, seed=0)
        scores = evaluate(table, held.told, seed=0)
        r2 = [r_squared(student, batches.held_out(name)) for name in ("wikiart", "photos64")]
        cells = [f"{s.r:.2f} [{s.r_low:.2f}, {s.r_high:.2f}]" for s in scores.values()]
        mean = np.mean([s.r for s in scores.values()])
        print(
            f"| {path.parent.name}/{path.stem} | {seen:,} | {r2[0]:.3f} | {r2[1]:.3f} | {' | '.join(cells)} | {mean:.3f} |",
            flush=True,
        )


@torch.no_grad()
def r_squared(student, batch) -> float:
    """Of the teacher's summary, on held-out pictures."""
    guess = torch.cat([student(part)[0] for part in batch.rgb.split(64)]).float()
    return float(1 - ((guess - batch.pooled) ** 2).sum() / ((batch.pooled - batch.pooled.mean(dim=0)) ** 2).sum())


if __name__ == "__main__":
    main()
