"""`klangbild train export plan`: a training checkpoint to two ONNX files and one of arrays, from which it can be trained on, and their card.

The card says what the model is, knows the vocabulary (so that numbers of words never move under a model), holds the hash of
each file, and what was measured on held-out clips: the flow loss of the model, of an untrained one, with captions of other
clips, and without words, with 95 % intervals over clips.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from klangbild.errors import InputError
from klangbild.metrics.intervals import bootstrap
from klangbild.models.plan.base import AXES, NAME, read_card
from klangbild.models.plan.caption_words import CARD, Vocabulary
from klangbild.models.plan.data.batches import PlanBatch, heldout_batches
from klangbild.models.plan.data.prepared import PlanClips
from klangbild.models.plan.network_torch import PlanModel, PlanSizes
from klangbild.models.plan.packed_weights import packed, unpacked
from klangbild.models.plan.training.graph import base_graph, graph_weights, words_graph
from klangbild.models.plan.training.train import PlanConfig, channel_weights, flow_loss, without_words
from klangbild.training.checkpoint import load_checkpoint
from klangbild.training.int8_weights import load_int8
from klangbild.training.loop import CHECKPOINT, DECAYED
from klangbild.whole_files import atomic_npz, atomic_write

LICENCE = "CC BY-NC-SA 4.0"
BASE_FILE, WORDS_FILE = "plan-base.onnx", "plan-words.onnx"
_MATRICES = "matrices int8 with a float32 scale a column (the words' table: a row), the rest float32"


def averaged_model(checkpoint: Path) -> tuple[PlanModel, dict[str, Any]]:
    """The model of a training checkpoint with its averaged weights, and the checkpoint itself."""
    state = load_checkpoint(checkpoint)
    model = PlanModel(PlanSizes(**state["sizes"]), Vocabulary(state["vocabulary"]))
    model.load_state_dict(state["model"])
    model.load_state_dict(state["average"]["weights"], strict=False)
    return model.eval(), state


def load_model(path: Path) -> tuple[PlanModel, Vocabulary, dict[str, Any]]:
    """The model of its graph (`plan-base.onnx`, its other files beside it), of a weights file (.safetensors) or of a training
    checkpoint (.pt), with its vocabulary and what is said of it.

    Raises:
        NotAvailableError: no such file. InputError: not weights of a plan model.
    """
    if path.suffix == ".pt":
        model, state = averaged_model(path)
        return model, Vocabulary(state["vocabulary"]), {"step": state["step"]}
    if path.suffix == ".onnx":
        header = read_card(path.parent)
        weights = {f"base.{name}": w for name, w in graph_weights(path).items()}
        weights |= {f"words.{name}": w for name, w in graph_weights(path.with_name(WORDS_FILE)).items()}
        weights |= _axes_weights(path.with_name(AXES))
    else:
        weights, header = load_int8(path)
    try:
        vocabulary = Vocabulary(header["vocabulary"])
        model = PlanModel(PlanSizes(**header["sizes"]), vocabulary)
        if path.suffix == ".onnx":  # what is not in a graph: see `graph_weights`
            place = torch.zeros_like(model.words.place.weight)
            weights |= {"words.place.weight": place, "words.affect": model.words.affect}
        model.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{path}: does not hold a plan model ({str(error).splitlines()[0]}); take another copy"
        ) from None
    return model.eval(), vocabulary, header


def folder_of(base: str) -> Path:
    """Where the parts of a plan model go by default: beside its graph, else to the weights that ship."""
    return Path(base).parent if base.endswith(".onnx") else Path("src/klangbild/weights/plan")


def export_plan(config: PlanConfig, *, checkpoint: Path | None = None, out_dir: Path) -> Path:
    """Write the two graphs and the card to `out_dir`; returns the card's path. The graphs are what is trained on from, too.

    Without `checkpoint`: the run's decayed branch if there is one, else its newest checkpoint.
    """
    run = Path(config.run)
    if checkpoint is None:
        checkpoint = run / DECAYED if (run / DECAYED).exists() else run / CHECKPOINT
    model, state = averaged_model(checkpoint)
    data = PlanClips.load(Path(config.data))
    blobs = {
        name: graph(model.sizes, _numpy(part.state_dict())).SerializeToString(deterministic=True)
        for name, graph, part in ((BASE_FILE, base_graph, model.base), (WORDS_FILE, words_graph, model.words))
    }
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, blob in blobs.items():
        atomic_write(out_dir / name, blob)
    axes = {name.replace(".", "_"): w.T for name, w in _numpy(model.axes.state_dict()).items()}
    atomic_npz(out_dir / AXES, **packed(axes))
    blobs[AXES] = (out_dir / AXES).read_bytes()
    card = _card(model, state, data, blobs)
    card["metrics"] = heldout_metrics(model, data)
    path = out_dir / CARD
    atomic_write(path, (json.dumps(card, indent=1) + "\n").encode())
    return path


def heldout_metrics(model: PlanModel, data: PlanClips, *, clips: int = 256) -> dict[str, Any]:
    """Flow loss (see `plan_base`) on held-out clips at evenly spread times, with 95 % bootstrap intervals over clips."""
    batches = heldout_batches(data, _vocabulary_of(model), clips=clips)
    weights = torch.from_numpy(channel_weights())
    untrained = PlanModel(model.sizes, _vocabulary_of(model), seed=0).eval()

    @torch.no_grad()
    def losses(of: PlanModel, change: Callable[[PlanBatch], PlanBatch]) -> np.ndarray:
        return torch.cat([flow_loss(of, change(batch), weights) for batch in batches]).numpy()

    found = {
        "own_words": losses(model, lambda b: b),
        "other_clips_words": losses(model, other_words),
        "no_words": losses(model, without_words),
        "untrained": losses(untrained, lambda b: b),
    }

    def interval(losses: np.ndarray) -> list[float]:
        mean = bootstrap(losses)
        return [round(value, 4) for value in (mean.value, mean.low, mean.high)]

    return {
        "what": "weighted flow loss on held-out clips: mean, and its 95 % interval over clips",
        "clips": len(found["own_words"]),
        **{name: interval(values) for name, values in found.items()},
        "other_minus_own": interval(found["other_clips_words"] - found["own_words"]),
        "none_minus_own": interval(found["no_words"] - found["own_words"]),
        "command": "klangbild train export plan",
    }


def _axes_weights(path: Path) -> dict[str, Tensor]:
    """The part that tells numbers, of its file -> weights by their names in the model. Raises InputError: damaged or missing."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            kept = unpacked({name: archive[name] for name in archive.files})
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: is not a part of the plan model ({error}); export the model again") from None
    return {f"axes.{name.replace('_', '.')}": torch.from_numpy(np.ascontiguousarray(w.T)) for name, w in kept.items()}


def other_words(batch: PlanBatch) -> PlanBatch:
    """Each clip with the caption of the next."""
    return dataclasses.replace(batch, words=np.roll(batch.words, 1, axis=0), mask=np.roll(batch.mask, 1, axis=0))


def _vocabulary_of(model: PlanModel) -> Vocabulary:
    return model.words.vocabulary


def _numpy(weights: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: w.detach().float().cpu().numpy() for name, w in weights.items()}


def _card(model: PlanModel, state: dict[str, Any], data: PlanClips, blobs: dict[str, bytes]) -> dict[str, Any]:
    config, about = state["config"], data.about
    held = data.clip_heldout
    return {
        "name": NAME,
        "kind": "plan",
        "status": "experimental",
        "what": "rectified flow over what the sections of a piece are like (46 numbers each), steered by words and picture, played by the notes model",
        "weights": sum(p.numel() for p in model.parameters()),
        "kept_as": _MATRICES,
        "files": {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()},
        "sizes": state["sizes"],
        "licence": LICENCE,
        "data": {
            "clips": int((~held).sum()),
            "clips_held_out": int(held.sum()),
            "by_pool": {pool: int((~held & (data.clip_pool == i)).sum()) for i, pool in enumerate(about["pools"])},
            "licences": {pool: about["licences"][pool] for pool in about["pools"]},
            "labels": "captions made from facts of the notes; emotion is pseudo-labelled for most clips",
        },
        "training": {
            "steps": state["step"],
            "clips_seen": state["clips_seen"],
            "minutes_of_wall_clock": round(state["minutes"], 1),
            "seed": config["seed"],
            "words_dropped": config["words_dropped"],
            "axes_dropped": config["axes_dropped"],
            "command": "klangbild train plan --config configs/plan.toml, then --decay-minutes, then train export plan",
        },
        "limits": "a plan says what eight bars are like, not their notes; trained for some minutes on a shared processor core; words outside the "
        "vocabulary are not understood",
        "vocabulary": state["vocabulary"],
    }
