"""`klangbild train export art2mus` and `train export melfusion`: a trained picture part as plain arrays with its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from klangbild.metrics.intervals import bootstrap
from klangbild.models.plan.packed_weights import packed
from klangbild.models.plan.projection import projection_file
from klangbild.models.plan.synapse import synapse_file
from klangbild.models.plan.synapse_torch import SynapseNet
from klangbild.models.plan.training.export import LICENCE
from klangbild.models.plan.training.train_part import FORMS, PartConfig, PartTrainer
from klangbild.picture.encoder import shipped_encoder
from klangbild.training.checkpoint import averaged, load_checkpoint
from klangbild.training.manifest import sha256_of
from klangbild.whole_files import atomic_npz, atomic_write

TOKENS = {"1": 1, "4": 4, "direct": 0}
"""What `--image-tokens` calls a variant."""


def export_part(config: PartConfig, *, out_dir: Path, encoder: Path | None = None, pairs: int = 512) -> Path:
    """Write `plan-art2mus-VARIANT.npz` or `plan-melfusion-FORM.npz` and its card to `out_dir`; returns the file's path.

    encoder: the picture encoder that the pairs were looked at with (the one that ships by default). pairs: held-out ones, to measure the flow
    loss on with right, wrong and no picture (95 % intervals, bootstrap over pairs).
    """
    trainer = PartTrainer(config)
    trainer.restore(load_checkpoint(Path(config.run) / "last.pt"))
    with averaged(trainer.net, trainer.average):
        net = trainer.net
        arrays = (
            net.arrays()
            if isinstance(net, SynapseNet)
            else {n: v.detach().numpy() for n, v in net.state_dict().items()}
        )
        kept = packed(arrays)
        gates = [round(share, 4) for share in trainer.gates()]
        n_tokens = None if isinstance(net, SynapseNet) else net.n_tokens
    checked = trainer.heldout_errors(pairs)
    path = (synapse_file if config.part in FORMS else projection_file)(config.part, out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    atomic_npz(path, **kept)
    card = _card(trainer, encoder or shipped_encoder(), gates, checked)
    card |= {"form": config.part} if n_tokens is None else {"variant": config.part, "tokens": n_tokens}
    card["sha256"] = sha256_of(path.read_bytes())
    atomic_write(path.with_suffix(".json"), (json.dumps(card, indent=1) + "\n").encode())
    return path


def _card(trainer: PartTrainer, encoder: Path, gates: list[float], checked: dict[str, np.ndarray]) -> dict[str, Any]:
    config, about = trainer.config, trainer.pairs.about
    of = "melfusion" if config.part in FORMS else "art2mus"
    which = f"--form {config.part}" if of == "melfusion" else f"--image-tokens {TOKENS[config.part]}"
    return {
        "name": f"plan-{of}-{config.part}",
        "kind": "synapse of the plan model" if of == "melfusion" else "picture projection of the plan model",
        "status": "experimental",
        "gates": gates,
        "weights": sum(p.numel() for p in trainer.net.parameters()),
        "kept_as": "int8 with a float32 scale a column, the rest float32",
        "licence": LICENCE,
        "encoder_sha256": sha256_of(encoder.read_bytes()),
        "base": {"file": Path(config.base).name, "sha256": sha256_of(Path(config.base).read_bytes())},
        "data": {
            "pairs": about["pairs"],
            "pairs_held_out": about["pairs_held_out"],
            "pictures": about["pictures"],
            "matched": "by construction, on valence, arousal and six traits of the picture and what goes with them in the music",
            "axes": about["axes"],
            "correlation": about["correlation"],
            "manifest_sha256": about.get("manifest_sha256", ""),
            "sources": "WikiArt paintings and ImageNet photographs; no rated picture; nobody made these pairs for each other",
        },
        "training": {
            "steps": trainer.step,
            "minutes_of_wall_clock": round(trainer.minutes, 1),
            "seed": config.seed,
            "teacher_share": config.teacher_share,
            "aim_steps": config.aim_steps,
            "command": f"klangbild train {of} {which}; klangbild train export {of} {which}",
        },
        "held_out": {
            "explained_after_aiming": None if np.isnan(trainer.aimed) else round(trainer.aimed, 4),
            "pairs_measured": len(checked["right"]),
            "flow_loss": {name: round(float(errors.mean()), 5) for name, errors in checked.items()},
            "none_minus_right": _interval(checked["none"] - checked["right"]),
            "shuffled_minus_right": _interval(checked["shuffled"] - checked["right"]),
        },
        "limits": "belongs to one picture encoder and one plan model",
    }


def _interval(differences: np.ndarray) -> list[float]:
    """[mean, low, high] of paired differences (pairs,)."""
    found = bootstrap(differences)
    return [round(value, 5) for value in (found.value, found.low, found.high)]
