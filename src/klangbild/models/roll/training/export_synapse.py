"""`klangbild train export melfusion`: a trained synapse as plain arrays with its card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from klangbild.metrics.intervals import bootstrap
from klangbild.models.roll.projection import packed
from klangbild.models.roll.synapse import synapse_file
from klangbild.models.roll.training.export import LICENCE
from klangbild.models.roll.training.train_synapse import SynapseTrainer
from klangbild.shipped import weights_folder
from klangbild.training.checkpoint import averaged
from klangbild.whole_files import atomic_npz, atomic_write


def export_synapse(trainer: SynapseTrainer, out: Path, *, pairs: int = 256) -> Path:
    """Averaged gates and maps as `sound-melfusion-FORM.npz` with its card, for `small_synapse.open_synapse`.

    pairs: held-out ones, to measure the flow loss on with right, wrong and no picture (95 % intervals, bootstrap over pairs).
    """
    config = trainer.config
    with averaged(trainer.net, trainer.average):
        kept = packed(trainer.net.arrays())
        gates = [round(share, 4) for share in trainer.net.shares().tolist()]
    checked = trainer.heldout_errors(pairs)
    path = synapse_file(config.form, out)
    out.mkdir(parents=True, exist_ok=True)
    atomic_npz(path, **kept)
    card = {
        "name": f"{'roll' if config.latent else 'sound'}-melfusion-{config.form}",
        "kind": "synapse",
        "status": "experimental",
        "form": config.form,
        "gates": gates,
        "licence": LICENCE,
        "encoder_sha256": _sha256(weights_folder() / "roll" / "picture-encoder.onnx"),
        "base_sha256": _sha256(Path(config.base)),
        "pairs_sha256": trainer.pairs.about.get("manifest_sha256", ""),
        "sha256": _sha256(path),
        "training": {
            "steps": trainer.step,
            "minutes_of_wall_clock": round(trainer.minutes, 1),
            "triplets": len(trainer.train.rows),
            "levels_explain_at_start": [round(share, 4) for share in trainer.explained],
            "teacher_share": config.teacher_share,
            "feelings_said": config.feelings_said,
            "command": f"klangbild train melfusion --form {config.form}",
        },
        "heldout_flow_loss": {
            "pairs": len(checked["right"]),
            **{name: round(float(errors.mean()), 5) for name, errors in checked.items()},
            "none_minus_right": _interval(checked["none"] - checked["right"]),
            "shuffled_minus_right": _interval(checked["shuffled"] - checked["right"]),
        },
    }
    atomic_write(path.with_suffix(".json"), (json.dumps(card, indent=1) + "\n").encode())
    return path


def _interval(differences: np.ndarray) -> list[float]:
    """[mean, low, high] of paired differences (pairs,)."""
    found = bootstrap(differences)
    return [round(value, 5) for value in (found.value, found.low, found.high)]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
