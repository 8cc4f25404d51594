"""Note models of others, converted to folders of ours: loaded for the notes engine, on the CPU without torch.

A name may say how to compute: `aria` and `aria:float32` give the published numbers, `aria:int8` is about 2.4 times as fast.
`aria:bfloat16`, `aria:float16` (CUDA) and every `--device cuda` go through torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from klangbild import hub
from klangbild.errors import InputError, NotAvailableError, UsageError
from klangbild.models.aria import card as hub_aria
from klangbild.models.aria.engine import compose_events
from klangbild.models.aria.language import EventsLanguage
from klangbild.models.aria.sizes import MidiEmotionSizes
from klangbild.models.aria.vocabulary import BASE_SIZE, EventsVocabulary
from klangbild.models.aria.window import WindowedModel
from klangbild.models.bars.notes_engine import NotesEngine
from klangbild.settings import Settings

PRECISIONS = ("float32", "int8", "bfloat16", "float16")
_WITHOUT_TORCH = ("float32", "int8")
PUBLISHED_INPUT_LENGTH = 1216
"""The window that these models were trained with, and midi-emotion's command line generates with."""


def load_foreign(
    name: str,
    conditioning: str,
    *,
    sampler: str = "klangbild",
    commercial: bool = False,
    threads: int = 1,
    device: str = "cpu",
) -> NotesEngine:
    """The model `name` (a name in `klangbild models list`, or a folder; with or without ":int8") in one conditioning.

    device: cpu, cuda, cuda:N; auto means the CPU, unless the name asks for a precision that needs torch.

    Raises:
        NotAvailableError: it, torch or the device is not on this machine. InputError: it is damaged.
        UsageError: it lacks the conditioning, is no notes model, or its licence does not allow commercial use; the device
            cannot compute in that precision.
    """
    base, precision = split_precision(name)
    folder = hub.from_pretrained(base, kind=hub_aria.KIND)
    if commercial and not folder.allows_commercial_use:
        raise UsageError(
            f"--commercial: {folder.name} does not allow commercial use (licence: {folder.licence}); choose another model"
        )
    window: Literal["fast", "exact"] = "exact" if sampler == "midi-emotion" else "fast"
    model = open_part(folder, conditioning, precision=precision, threads=threads, device=device, window=window)
    facts = {"name": f"{folder.name}-{conditioning}", "sha256": folder.sha256, "licence": folder.licence}
    return NotesEngine(model, EventsLanguage(model.vocabulary), facts, compose_events)


def load_engine(settings: Settings) -> NotesEngine:
    """The model that the settings name; see `load_foreign`."""
    return load_foreign(
        str(settings.model),
        settings.conditioning,
        sampler=settings.sampler,
        commercial=settings.commercial,
        device=settings.device,
    )


def open_part(
    folder: hub.ModelFolder,
    conditioning: str,
    *,
    precision: str = "float32",
    threads: int = 1,
    device: str = "cpu",
    **window: Any,
) -> WindowedModel:
    """One conditioning of a converted model in onnxruntime, or in torch where that is asked; `window`: see `WindowedModel`."""
    sizes, vocabulary, path = read_part(folder, conditioning)
    edges = folder.config["conditionings"][conditioning].get("bin_edges")
    if edges:
        try:
            window.setdefault("bin_edges", {axis: np.array(edges[axis], np.float64) for axis in ("valence", "arousal")})
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{folder.path / hub.CONFIG}: its bin_edges are damaged; add the model again") from None
    window.setdefault("max_input_length", min(PUBLISHED_INPUT_LENGTH, sizes.max_positions))
    if precision in _WITHOUT_TORCH and device in ("cpu", "auto"):
        from klangbild.models.aria.runtime import OnnxEventsModel

        return OnnxEventsModel(path / f"model.{precision}.onnx", sizes, vocabulary, threads=threads, **window)
    try:
        from klangbild.models.aria.runtime_torch import open_in_torch
    except ModuleNotFoundError as error:
        raise NotAvailableError(
            f'{precision} on {device} needs {error.name}, which is not installed; pip install "klangbild[train]", or leave '
            "--device and the precision out"
        ) from None
    return open_in_torch(path / "model.safetensors", sizes, vocabulary, precision=precision, device=device, **window)


def read_part(folder: hub.ModelFolder, conditioning: str) -> tuple[MidiEmotionSizes, EventsVocabulary, Path]:
    """Sizes, vocabulary and folder of one conditioning. Raises UsageError: the model does not have it."""
    parts = folder.config.get("conditionings", {})
    if conditioning not in parts:
        raise UsageError(
            f"--conditioning {conditioning}: {folder.name} has only {', '.join(sorted(parts))}; choose one"
        )
    path = folder.path / conditioning
    sizes = MidiEmotionSizes.from_dict(parts[conditioning]["sizes"], where=str(folder.path / hub.CONFIG))
    vocabulary = EventsVocabulary.load(path / "vocabulary.json")
    if vocabulary.size != sizes.vocab_size or vocabulary.size < BASE_SIZE:
        raise UsageError(f"{path}: vocabulary and sizes do not fit together; add the model again")
    return sizes, vocabulary, path


def split_precision(name: str) -> tuple[str, str]:
    """("aria", "int8") from "aria:int8"; float32 where nothing is said.

    >>> split_precision("aria:int8"), split_precision("aria")
    (('aria', 'int8'), ('aria', 'float32'))
    """
    base, _, ending = name.rpartition(":")
    return (base, ending) if base and ending in PRECISIONS else (name, "float32")
