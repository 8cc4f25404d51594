"""Published models as folders in diffusers' layout: a sub-folder a component, each with its `config.json` and weights."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch

from klangbild.errors import InputError, NotAvailableError
from klangbild.hub_quiet import quiet_libraries

_ALSO = {"clip_text_model": ("clip",), "t5": ("mt5", "umt5")}
"""Types in a config that a class of another type reads too: a part of it, or the same network."""
_COMPUTED = re.compile(r"(^|\.)(position_ids|relative_position_index|num_batches_tracked|inv_freq)$")
"""Tables that older files keep and newer libraries compute."""
_OTHER_HALF = {
    "T5EncoderModel": re.compile(r"^(decoder|lm_head)\."),
    "CLIPTextModel": re.compile(r"^(vision_model|visual_projection|text_projection|logit_scale)\b"),
    "GPT2Model": re.compile(r"^lm_head\."),
}
"""What a whole model has beside the part that is loaded of it."""


def load_component(cls: type, folder: Path, part: str, *, dtype: torch.dtype | None = None, **options: Any) -> Any:
    """One component, `cls.from_pretrained(folder / part)`, frozen when it is a network. Nothing is fetched, no code is run.

    A network that lacks a weight would play with random numbers in its place, so all that its library tells of the loading
    is asked for: weights missing, of another shape, or of another network are refused, and so is another class.

    Raises:
        NotAvailableError: the folder has no such part, or a library that reads it is not installed.
        InputError: it is damaged or of another kind.
    """
    path = folder / part
    if not path.is_dir():
        raise NotAvailableError(f"{folder}: has no folder {part!r}; fetch the whole model again")
    quiet_libraries()
    is_network = issubclass(cls, torch.nn.Module)
    if is_network:
        _refuse_another_class(cls, path)
        options["output_loading_info"] = True
    if dtype is not None:
        options["torch_dtype" if cls.__module__.startswith("diffusers") else "dtype"] = dtype
    try:
        component = cls.from_pretrained(str(path), local_files_only=True, **options)
    except Exception as error:  # the libraries raise kinds of their own for each way to be damaged
        if isinstance(error, ImportError) or "pip install" in str(error):
            raise NotAvailableError(
                f"{path}: reading it needs a library that is not installed (sentencepiece, protobuf or another of the extra); "
                'run: pip install "klangbild[diffusion]"'
            ) from error
        raise InputError(f"{path}: cannot be loaded as {cls.__name__} ({first_line(error)}); fetch it again") from error
    if not is_network:
        return component
    network, told = component
    _refuse_other_weights(path, cls.__name__, told)
    return network.eval().requires_grad_(False)


def _refuse_another_class(cls: type, path: Path) -> None:
    """Raises InputError: the part's config says that it is of another class, or cannot be read."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        stated = config.get("_class_name", cls.__name__) if cls.__module__.startswith("diffusers") else None
        kind = config.get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{path / 'config.json'}: cannot be read ({first_line(error)}); fetch it again") from error
    if stated not in (None, cls.__name__):
        raise InputError(f"{path}: is a {stated}, not {cls.__name__}; it is of another model")
    wanted = getattr(getattr(cls, "config_class", None), "model_type", None)
    if stated is None and kind and wanted and kind != wanted and kind not in _ALSO.get(wanted, ()):
        raise InputError(
            f"{path}: is a model of type {kind!r}, not {cls.__name__} ({wanted!r}); it is of another model"
        )


def _refuse_other_weights(path: Path, name: str, told: dict[str, Any]) -> None:
    """Raises InputError: what a library tells of the loading is more than tables that it computes anew."""
    missing = sorted(map(str, told.get("missing_keys") or ()))
    reshaped = sorted(str(key[0] if isinstance(key, tuple) else key) for key in told.get("mismatched_keys") or ())
    other_half = _OTHER_HALF.get(name, _COMPUTED)
    strange = sorted(
        key
        for key in map(str, told.get("unexpected_keys") or ())
        if not (_COMPUTED.search(key) or other_half.search(key))
    )
    for keys, what in (
        (missing, "lacks {} weights of {}, {} first: it would play with random numbers"),
        (reshaped, "has {} weights of other shapes than {} of its config, {} first"),
        (strange, "has {} weights that are no part of {}, {} first"),
    ):
        if keys:
            raise InputError(f"{path}: {what.format(len(keys), name, keys[0])}; fetch it again, or give another model")


def first_line(error: BaseException) -> str:
    """Of an error of others, to put into a line of ours."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip()[:200] if lines else type(error).__name__


def load_tokenizer(folder: Path, part: str, *, ids: int) -> Any:
    """A tokenizer whose ids the text encoder beside it knows: below `ids`. Raises as `load_component`."""
    from transformers import AutoTokenizer

    tokenizer = load_component(AutoTokenizer, folder, part)
    if len(tokenizer) > ids:
        raise InputError(
            f"{folder / part}: has {len(tokenizer)} ids, and the text encoder beside it knows {ids}; it is of another model"
        )
    return tokenizer
