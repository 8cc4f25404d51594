"""`klangbild train export sound`: a training checkpoint to two ONNX files, from which it can be trained on, and their card.

The card says what the model is, knows the vocabulary (so that numbers of words never move under a model), holds the hash of
each file, and what was measured on held-out clips: the flow loss of the model, of an untrained one, with captions of other
clips, and without words, with 95 % intervals over clips.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from klangbild.errors import InputError
from klangbild.metrics.intervals import bootstrap
from klangbild.models.roll.base import NAME, read_card
from klangbild.models.roll.caption_words import CARD, Vocabulary
from klangbild.models.roll.data.batches import SoundBatch, heldout_batches
from klangbild.models.roll.data.captions import ClipLatents
from klangbild.models.roll.network_torch import SoundModel, SoundSizes
from klangbild.models.roll.training.clips import open_clips
from klangbild.models.roll.training.graph import base_graph, graph_weights, words_graph
from klangbild.models.roll.training.train import SoundConfig, flow_loss, without_words
from klangbild.training.checkpoint import load_checkpoint
from klangbild.training.int8_weights import load_int8
from klangbild.training.loop import CHECKPOINT, DECAYED
from klangbild.whole_files import atomic_write

LICENCE = "CC BY-NC-SA 4.0"
BASE_FILE, WORDS_FILE = "sound-base.onnx", "sound-words.onnx"
_MATRICES = "matrices int8 with a float32 scale a column (the words' table: a row), the rest float32"


def averaged_model(checkpoint: Path) -> tuple[SoundModel, dict[str, Any]]:
    """The model of a training checkpoint with its averaged weights, and the checkpoint itself."""
    state = load_checkpoint(checkpoint)
    model = SoundModel(SoundSizes(**state["sizes"]), Vocabulary(state["vocabulary"]))
    model.load_state_dict(state["model"])
    model.load_state_dict(state["average"]["weights"], strict=False)
    return model.eval(), state


def load_model(path: Path) -> tuple[SoundModel, Vocabulary, dict[str, Any]]:
    """The model of its graph (`sound-base.onnx`, its other files beside it), of a weights file (.safetensors) or of a training
    checkpoint (.pt), with its vocabulary and what is said of it.

    Raises:
        NotAvailableError: no such file. InputError: not weights of a sound model.
    """
    if path.suffix == ".pt":
        model, state = averaged_model(path)
        return model, Vocabulary(state["vocabulary"]), {"step": state["step"]}
    if path.suffix == ".onnx":
        header = read_card(path.parent)
        weights = {f"base.{name}": w for name, w in graph_weights(path).items()}
        weights |= {f"words.{name}": w for name, w in graph_weights(path.with_name(WORDS_FILE)).items()}
    else:
        weights, header = load_int8(path)
    try:
        vocabulary = Vocabulary(header["vocabulary"])
        model = SoundModel(SoundSizes(**header["sizes"]), vocabulary)
        if path.suffix == ".onnx":  # what is not in a graph: see `graph_weights`
            place = torch.zeros_like(model.words.place.weight)
            weights |= {"words.place.weight": place, "words.affect": model.words.affect}
        model.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{path}: does not hold a sound model ({str(error).splitlines()[0]}); take another copy"
        ) from None
    return model.eval(), vocabulary, header


def folder_of(base: str) -> Path:
    """Where the parts of a sound model go by default: beside its graph, else to the weights that ship."""
    return Path(base).parent if base.endswith(".onnx") else Path("src/klangbild/weights/roll")


def export_sound(config: SoundConfig, *, checkpoint: Path | None = None, out_dir: Path) -> Path:
    """Write the two graphs and the card to `out_dir`; returns the card's path. The graphs are what is trained on from, too.

    Without `checkpoint`: the run's decayed branch if there is one, else its newest checkpoint.
    """
    run = Path(config.run)
    if checkpoint is None:
        checkpoint = run / DECAYED if (run / DECAYED).exists() else run / CHECKPOINT
    model, state = averaged_model(checkpoint)
    data = open_clips(Path(config.data), config.latent)
    blobs = {
        name: graph(model.sizes, _numpy(part.state_dict())).SerializeToString(deterministic=True)
        for name, graph, part in ((BASE_FILE, base_graph, model.base), (WORDS_FILE, words_graph, model.words))
    }
    out_dir.mkdir(parents=True, exist_ok=True)
    for name, blob in blobs.items():
        atomic_write(out_dir / name, blob)
    card = _card(model, state, data, blobs)
    card["metrics"] = heldout_metrics(model, data)
    path = out_dir / CARD
    atomic_write(path, (json.dumps(card, indent=1) + "\n").encode())
    return path


def heldout_metrics(model: SoundModel, data: ClipLatents, *, clips: int = 256) -> dict[str, Any]:
    """Flow loss (see `sound_base`) on held-out clips at evenly spread times, with 95 % bootstrap intervals over clips."""
    batches = heldout_batches(data, _vocabulary_of(model), clips=clips)
    weights = torch.from_numpy(data.channel_weights)
    untrained = SoundModel(model.sizes, _vocabulary_of(model), seed=0).eval()

    @torch.no_grad()
    def losses(of: SoundModel, change: Callable[[SoundBatch], SoundBatch]) -> np.ndarray:
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
        "command": "klangbild train export sound",
    }


def other_words(batch: SoundBatch) -> SoundBatch:
    """Each clip with the caption of the next."""
    return dataclasses.replace(batch, words=np.roll(batch.words, 1, axis=0), mask=np.roll(batch.mask, 1, axis=0))


def _vocabulary_of(model: SoundModel) -> Vocabulary:
    return model.words.vocabulary


def _numpy(weights: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: w.detach().float().cpu().numpy() for name, w in weights.items()}


def _card(model: SoundModel, state: dict[str, Any], data: ClipLatents, blobs: dict[str, bytes]) -> dict[str, Any]:
    config, about = state["config"], data.about
    held = data.clip_heldout
    return {
        "name": NAME,
        "kind": "sound",
        "latent": "roll",
        "status": "experimental",
        "what": "rectified flow over beats of a piano roll (64 beats are 64 x 92 numbers), steered by words, played by our synthesizer",
        "weights": sum(p.numel() for p in model.parameters()),
        "kept_as": _MATRICES,
        "files": {name: hashlib.sha256(blob).hexdigest() for name, blob in blobs.items()},
        "sizes": state["sizes"],
        "licence": LICENCE,
        "data": {
            "clips": int((~held).sum()),
            "clips_held_out": int(held.sum()),
            "by_pool": {pool: int((~held & (data.pool == i)).sum()) for i, pool in enumerate(about["pools"])},
            "licences": {pool: about["licences"][pool] for pool in about["pools"]},
            "notes": "sections of 4/4 with nine of ten onsets on sixteenths, in C major or A minor",
            "labels": "captions made from facts of the notes; emotion is pseudo-labelled for most clips",
        },
        "training": {
            "steps": state["step"],
            "clips_seen": state["clips_seen"],
            "minutes_of_wall_clock": round(state["minutes"], 1),
            "seed": config["seed"],
            "words_dropped": config["words_dropped"],
            "command": "klangbild train sound --config configs/roll.toml, then --decay-minutes, then train export sound",
        },
        "limits": "4/4 in sixteenths, one tempo a piece; trained for some minutes on a shared processor core; no lyrics; words outside the "
        "vocabulary are not understood",
        "vocabulary": state["vocabulary"],
    }
