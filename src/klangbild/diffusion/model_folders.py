"""Published models as folders in diffusers' layout: a sub-folder a component, each with its `config.json` and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from klangbild.errors import InputError, NotAvailableError


def find_folder(name_or_folder: str | Path, *, allow_download: bool = False) -> Path:
    """The folder of a model: itself, or where the Hugging Face cache has it.

    Args:
        name_or_folder: a folder, or a hub name such as "cvssp/audioldm2".
        allow_download: fetch what the cache does not have.

    Raises:
        NotAvailableError: neither, with what to do.
    """
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    name = str(name_or_folder)
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise NotAvailableError(
            f"{name}: there is no such folder; give a model folder or a hub name such as cvssp/audioldm2"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=not allow_download))
    except (OSError, ValueError) as error:  # the hub's own errors are kinds of these two
        raise NotAvailableError(
            f"{name}: not on this machine ({type(error).__name__}); run: klangbild models pull {name}, or give its folder"
        ) from error


def load_component(cls: type, folder: Path, part: str, *, dtype: torch.dtype | None = None, **options: Any) -> Any:
    """One component, `cls.from_pretrained(folder / part)`, frozen when it is a network. Nothing is fetched, no code is run.

    Raises:
        NotAvailableError: the folder has no such part.
        InputError: it is damaged or of another kind.
    """
    path = folder / part
    if not path.is_dir():
        raise NotAvailableError(f"{folder}: has no folder {part!r}; fetch the whole model again")
    if dtype is not None:
        options["torch_dtype" if cls.__module__.startswith("diffusers") else "dtype"] = dtype
    try:
        component = cls.from_pretrained(str(path), local_files_only=True, **options)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: cannot be loaded as {cls.__name__} ({first_line}); fetch it again") from error
    if isinstance(component, torch.nn.Module):
        component.eval().requires_grad_(False)
    return component
