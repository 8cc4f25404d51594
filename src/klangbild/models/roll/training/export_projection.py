"""`klangbild train export art2mus`: a trained projection as plain arrays with its card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from klangbild.models.roll.projection import packed, projection_file
from klangbild.models.roll.training.train_projection import ProjectionConfig, ProjectionTrainer
from klangbild.shipped import weights_folder
from klangbild.training.checkpoint import load_checkpoint
from klangbild.training.manifest import sha256_of
from klangbild.whole_files import atomic_npz, atomic_write

LICENCE = "CC BY-NC-SA 4.0"
TOKENS = {"1": 1, "4": 4, "direct": 0}
"""What `--image-tokens` calls a variant."""


def export_projection(config: ProjectionConfig, *, out_dir: Path, encoder: Path | None = None) -> Path:
    """Write `sound-art2mus-VARIANT.npz` and its card to `out_dir`, with what held-out pairs say. Returns the file's path.

    encoder: the picture encoder that the pairs were looked at with; the one that ships by default.
    """
    trainer = ProjectionTrainer(config)
    trainer.restore(load_checkpoint(Path(config.run) / "last.pt"))
    net = trainer.averaged()
    arrays = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    path = projection_file(config.variant, out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    atomic_npz(path, **packed(arrays))
    card = _card(trainer, net.n_tokens, encoder or weights_folder() / "roll" / "picture-encoder.onnx")
    card["sha256"] = sha256_of(path.read_bytes())
    atomic_write(path.with_suffix(".json"), (json.dumps(card, indent=1) + "\n").encode())
    return path


def _card(trainer: ProjectionTrainer, n_tokens: int, encoder: Path) -> dict[str, Any]:
    config, about = trainer.config, trainer.pairs.about
    held = trainer.heldout()
    return {
        "name": f"{'roll' if config.latent else 'sound'}-art2mus-{config.variant}",
        "kind": "picture projection of the sound model",
        "status": "experimental",
        "variant": config.variant,
        "tokens": n_tokens,
        "weights": sum(p.numel() for p in trainer.net.parameters()),
        "kept_as": "int8 with a float32 scale a column, the rest float32",
        "licence": LICENCE,
        "encoder_sha256": hashlib.sha256(encoder.read_bytes()).hexdigest(),
        "base": {"file": Path(config.base).name, "sha256": sha256_of(Path(config.base).read_bytes())},
        "data": {
            "pairs": about["pairs"],
            "pairs_held_out": about["pairs_held_out"],
            "matched": "by construction on valence, arousal, light with spectral height, detail with density",
            "correlation": about["correlation"],
            "manifest_sha256": about.get("manifest_sha256", ""),
            "pictures": "WikiArt paintings and ImageNet photographs; no rated picture",
        },
        "training": {
            "steps": trainer.step,
            "minutes_of_wall_clock": round(trainer.minutes, 1),
            "seed": config.seed,
            "teacher_share": config.teacher_share,
            "aim_steps": config.aim_steps,
            "pairs": config.pairs,
            "command": f"klangbild train art2mus --image-tokens {TOKENS[config.variant]} --steps {trainer.step}; "
            f"klangbild train export art2mus --image-tokens {TOKENS[config.variant]}",
        },
        "held_out": {
            "token_variance_explained_after_aiming": round(trainer.aimed, 4),
            "flow_loss": {name: round(value, 5) for name, value in held.items()},
            "pairs_measured": config.heldout_pairs,
        },
        "limits": "the picture is heard as its feeling at best; belongs to one picture encoder and one sound model",
    }
