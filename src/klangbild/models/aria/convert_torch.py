"""Checkpoints of midi-emotion and ARIA -> a model folder of ours. Pickles are never run (`hub_weights_torch.py`).

Layouts that are known: ARIA's (a subfolder for each conditioning, `image_encoder.pt` beside them) and a run folder of
midi-emotion (`model.pt`, `mappings.pt`, `model_config.pt`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from klangbild import hub
from klangbild.errors import InputError, NotAvailableError
from klangbild.hub_weights_torch import read_settings, read_tensors
from klangbild.models import fetch as hub_fetch
from klangbild.models.aria import card as hub_aria
from klangbild.models.aria.sizes import MidiEmotionSizes
from klangbild.models.aria.vocabulary import EMOTION_LABELS, EventsVocabulary, from_mappings

SAFE = (".safetensors",)
"""Looked for before the pickle of that name."""


@dataclass(frozen=True)
class Checkpoint:
    """A published model as read: float32 tensors under their published names, and what they mean."""

    state: dict[str, Tensor]
    sizes: MidiEmotionSizes
    vocabulary: EventsVocabulary
    bin_edges: dict[str, list[float]] | None = None
    """The emotion bins that a model of ours learnt (`discrete_token`); published models do not tell theirs."""


def read_checkpoint(folder: Path) -> Checkpoint:
    """A folder with `model`, `mappings` and `model_config` (`.pt`, weights also `.safetensors`), checked: ids, names, shapes,
    finite numbers.

    Raises:
        InputError: something is missing, damaged, refused, or does not fit together.
    """
    sizes, config = read_sizes(folder)
    mappings = read_settings(_file_of(folder, "mappings"))
    vocabulary = from_mappings(mappings, where=str(folder / "mappings.pt"))
    if vocabulary.size != sizes.vocab_size:
        raise InputError(
            f"{folder}: mappings.pt has {vocabulary.size} ids and model_config.pt {sizes.vocab_size}; they belong to "
            "different models"
        )
    weights = _file_of(folder, "model", *SAFE)
    checked = checked_state(read_tensors(weights), sizes, where=weights)
    return Checkpoint(checked, sizes, vocabulary, _bin_edges(config, where=folder / "model_config.pt"))


def read_sizes(folder: Path) -> tuple[MidiEmotionSizes, dict[Any, Any]]:
    """The sizes that a folder's `model_config.pt` tells, and all else that it says. Raises InputError."""
    path = _file_of(folder, "model_config")
    config = read_settings(path)
    return MidiEmotionSizes.from_dict(config, where=str(path)), config


def _file_of(folder: Path, name: str, *endings: str) -> Path:
    """`name` in a folder, with the first of these endings that is there, or else .pt. Raises InputError: none is."""
    for ending in (*endings, ".pt"):
        if (folder / f"{name}{ending}").is_file():
            return folder / f"{name}{ending}"
    raise InputError(
        f"{folder / name}.pt: there is no such file; give the folder that holds {', '.join(hub_aria.FILES)}"
    )


def _bin_edges(config: dict, *, where: Path) -> dict[str, list[float]] | None:
    edges = config.get("bin_edges")
    if edges is None:
        return None
    try:
        rows = {axis: [float(x) for x in edges[axis]] for axis in ("valence", "arousal")}
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError):
        rows = {}
    if not rows or any(len(row) != len(EMOTION_LABELS) + 1 or sorted(row) != row for row in rows.values()):
        raise InputError(f"{where}: its bin_edges are not six rising numbers for valence and for arousal")
    return rows


def checked_state(state: dict[str, Tensor], sizes: MidiEmotionSizes, *, where: Path) -> dict[str, Tensor]:
    """A state dict with the names and shapes that these sizes ask for, as contiguous float32. Raises InputError."""
    from klangbild.models.aria.network_torch import MidiEmotionNetwork

    with torch.device("meta"):
        wanted = {name: tuple(p.shape) for name, p in MidiEmotionNetwork(sizes).state_dict().items()}
    missing, strange = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    if missing or strange:
        what = f"lacks {missing[0]}" if missing else f"has {strange[0]}, which is not part of the network"
        raise InputError(f"{where}: {what} ({len(missing)} missing, {len(strange)} too many); is it of another model?")
    for name, shape in wanted.items():
        if tuple(state[name].shape) != shape:
            raise InputError(f"{where}: {name} is {tuple(state[name].shape)}, but model_config.pt says {shape}")
        if not state[name].is_floating_point():
            raise InputError(
                f"{where}: {name} is {state[name].dtype}, not a network's numbers; is it of another model?"
            )
        if not torch.isfinite(state[name].float()).all():  # as it will be computed with
            raise InputError(f"{where}: {name} holds NaN or infinity; the training went wrong or the file is damaged")
    return {name: state[name].detach().float().contiguous() for name in wanted}


def convert(
    source: str | Path, *, name: str = "aria", folder: Path | None = None, overwrite: bool = False
) -> hub.ModelFolder:
    """A folder (or hub id) of ARIA or midi-emotion -> a model folder of ours, in `hub.models_home()` unless told.

    Raises:
        InputError: the source is damaged, refused or something else. NotAvailableError: a hub id that cannot be had.
        UsageError: the model is there already. OutputError: it cannot be written.
    """
    origin = str(source)
    if hub.is_hub_id(origin):
        known = hub_fetch.KNOWN.get(origin)
        if known is not None and known.layout != "aria":
            raise InputError(f"{origin}: is no model of ARIA or midi-emotion; run: klangbild models pull {origin}")
        source = hub_fetch.fetch(origin, patterns=hub_aria.HUB_PATTERNS)
        origin = f"https://huggingface.co/{origin}"
    source = hub.snapshot_in(Path(source))
    if source.is_file():
        source = source.parent
    folders = _parts_of(source)
    target = folder or hub.models_home() / hub.check_name(name)
    parts: dict[str, dict[str, Any]] = {}
    read: dict[str, Path] = {}
    for part in folders:
        sizes, _ = read_sizes(part)
        if sizes.regression:
            raise InputError(
                f"{part}: is the judge that reads emotions from music, which composes nothing; leave it out"
            )
        if sizes.conditioning in read:
            raise InputError(f"{source}: has two models with {sizes.conditioning}; give one of their folders")
        read[sizes.conditioning] = part
        parts[sizes.conditioning] = {"sizes": sizes.as_dict()}
    encoder_file = next(
        (path for end in (*SAFE, ".pt") if (path := source / f"{hub_aria.IMAGE_ENCODER}{end}").is_file()), None
    )
    config = hub_aria.config_of(name, _told_origin(origin, source), parts, None)

    def write(temporary: Path) -> None:
        for conditioning, part in read.items():
            checkpoint = read_checkpoint(part)
            parts[conditioning]["parameters"] = write_part(checkpoint, temporary / conditioning)
            if checkpoint.bin_edges:
                parts[conditioning]["bin_edges"] = checkpoint.bin_edges
        if encoder_file is not None:
            from klangbild.models.aria.picture_encoder_torch import convert_image_encoder

            config["image_encoder"] = convert_image_encoder(encoder_file, temporary / hub_aria.IMAGE_ENCODER)

    return hub.save_pretrained(target, config, lambda: hub_aria.card_of(config), write, overwrite=overwrite)


def write_part(checkpoint: Checkpoint, folder: Path) -> int:
    """One conditioning as files of ours in `folder` (made here); returns how many parameters it has."""
    from safetensors.torch import save_file

    from klangbild.models.aria.graph import write_graph

    folder.mkdir(parents=True)
    save_file(checkpoint.state, folder / "model.safetensors")
    (folder / hub.CONFIG).write_text(json.dumps(checkpoint.sizes.as_dict(), indent=1) + "\n", encoding="utf-8")
    checkpoint.vocabulary.save(folder / "vocabulary.json")
    for precision in ("float32", "int8"):
        write_graph(folder, checkpoint.sizes, precision=precision)
    return sum(tensor.numel() for tensor in checkpoint.state.values())


def _parts_of(source: Path) -> list[Path]:
    if not source.is_dir():
        raise NotAvailableError(f"{source}: there is no such folder; give one, or a hub id like {hub_aria.ARIA_HUB_ID}")
    names = [f"model{ending}" for ending in (*SAFE, ".pt")]
    found = [source] if any((source / name).is_file() for name in names) else []
    found = found or sorted({path.parent for name in names for path in source.glob(f"*/{name}")})
    if not found:
        if (source / "model_index.json").is_file():
            raise InputError(
                f"{source}: is a sound model in diffusers' layout, which needs no conversion; "
                f"use it as it is: --engine art2mus --model {source}"
            )
        raise InputError(
            f"{source}: holds no model.pt or model.safetensors, and no subfolder does; give a folder with {', '.join(hub_aria.FILES)}, or one with "
            "a subfolder of these for each conditioning"
        )
    return found


def _told_origin(origin: str, source: Path) -> str:
    """Where it came from, without the path of anybody's machine."""
    return origin if origin.startswith("https://") else f"a folder named {source.resolve().name}"
