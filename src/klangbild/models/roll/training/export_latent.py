"""`klangbild train export roll-latent`: the decoder as plain arrays with its card, and weights for training on.

The card holds the F1 of onsets on held-out beats for each group, from the very file that is written: as the codes are, and disturbed
as in training.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from klangbild.errors import InputError
from klangbild.models.roll.data.prepared import RollData
from klangbild.models.roll.grid import GROUPS, N_LANES
from klangbild.models.roll.latent import CHANNELS, CODE, FILE, RollLatent
from klangbild.models.roll.latent_torch import NOISE, RollAutoencoder, RollSizes
from klangbild.models.roll.projection import packed
from klangbild.models.roll.training.train_latent import RollLatentConfig, RollLatentTrainer, beats_at, onset_scores
from klangbild.training.checkpoint import load_checkpoint
from klangbild.training.int8_weights import load_int8, save_int8
from klangbild.training.manifest import sha256_of
from klangbild.whole_files import atomic_npz, atomic_write

LICENCE = "CC BY-NC-SA 4.0"
WEIGHTS_FILE = "roll-latent.safetensors"


def load_autoencoder(path: Path) -> RollAutoencoder:
    """From weights (.safetensors) or a training checkpoint (.pt).

    Raises:
        NotAvailableError: no such file. InputError: not weights of a roll's autoencoder.
    """
    if path.suffix == ".pt":
        state = load_checkpoint(path)
        weights, sizes = state["model"], state["sizes"]
    else:
        weights, header = load_int8(path)
        sizes = header.get("sizes", {})
    try:
        model = RollAutoencoder(RollSizes(**sizes))
        model.load_state_dict(weights)
    except (TypeError, RuntimeError) as error:
        raise InputError(
            f"{path}: does not hold a piano roll's autoencoder ({str(error).splitlines()[0]}); take another copy"
        ) from None
    return model.eval()


def export_roll_latent(config: RollLatentConfig, *, out_dir: Path, weights_dir: Path | None = None) -> Path:
    """Write `roll-latent.npz` and its card to `out_dir` (and the weights to `weights_dir`); returns the file's path."""
    data = RollData.load(Path(config.data))
    trainer = RollLatentTrainer(config, data)
    trainer.restore(load_checkpoint(Path(config.run) / "last.pt"))
    path = out_dir / FILE
    out_dir.mkdir(parents=True, exist_ok=True)
    atomic_npz(path, **packed(trainer.model.arrays()))
    card = _card(trainer, data)
    card["sha256"] = sha256_of(path.read_bytes())
    card["held_out"] = heldout_scores(trainer, RollLatent.load(path))
    atomic_write(path.with_suffix(".json"), (json.dumps(card, indent=1) + "\n").encode())
    if weights_dir:
        save_int8(
            trainer.model.state_dict(), weights_dir / WEIGHTS_FILE, {k: card[k] for k in ("name", "sizes", "training")}
        )
    return path


@torch.no_grad()
def heldout_scores(trainer: RollLatentTrainer, latent: RollLatent) -> dict[str, Any]:
    """F1 of onsets on held-out beats, by what was written."""
    trainer.model.eval()
    index, offset, loud = beats_at(trainer.beats, trainer.held)
    code = trainer.model.encode(index, offset, loud).numpy()
    rng = np.random.default_rng(7)
    found: dict[str, Any] = {"beats": len(code), "command": "klangbild train export roll-latent"}
    for name, noise in (("as they are", 0.0), (f"disturbed by {NOISE}", NOISE)):
        latents = np.zeros((len(code), CHANNELS), np.float32)
        latents[:, :CODE] = code + noise * rng.standard_normal(code.shape)
        scores = onset_scores(latent, latents, trainer.beats, trainer.held)
        found[name] = {key: round(value, 4) for key, value in scores.items()}
    return found


def _card(trainer: RollLatentTrainer, data: RollData) -> dict[str, Any]:
    held = data.clip_heldout
    return {
        "name": "roll-latent",
        "kind": "piano-roll latent of the sound model",
        "what": f"a beat of {len(GROUPS)} groups and {N_LANES} lanes in sixteenths as {CODE} numbers; this file: the decoder",
        "weights": sum(p.numel() for p in trainer.model.parameters()),
        "kept_as": "int8 with a float32 scale a column, the rest float32",
        "sizes": trainer.model.sizes.as_dict(),
        "licence": LICENCE,
        "data": {"clips": int((~held).sum()), "clips_held_out": int(held.sum()), "licences": data.about["licences"]},
        "training": {
            "steps": trainer.step,
            "beats_a_step": trainer.config.beats,
            "minutes_of_wall_clock": round(trainer.minutes, 1),
            "seed": trainer.config.seed,
            "command": "klangbild train roll-latent; klangbild train export roll-latent --weights-out checkpoints",
        },
        "limits": "4/4 in sixteenths only: no triplets, no other meters; two families of one group cannot play at once",
    }
