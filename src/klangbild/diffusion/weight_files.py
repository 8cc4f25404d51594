"""Weights of others, read without running code of others: safetensors, or pickles restricted to tensors."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from klangbild.atomic import atomic_path
from klangbild.errors import InputError, NotAvailableError


def read_state_dict(path: Path | str) -> dict[str, Tensor]:
    """Tensors by name from `.safetensors`, or from a torch file opened with `weights_only=True` and memory-mapped.

    Raises:
        NotAvailableError: no such file.
        InputError: damaged, or a pickle that holds more than tensors (it is never executed).
    """
    path = Path(path)
    if not path.is_file():
        raise NotAvailableError(f"{path}: no such weight file; give the path of a .safetensors or .pt file")
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except SafetensorError as error:
            raise InputError(f"{path}: damaged safetensors file ({error}); fetch it again") from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=_is_zip(path))
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path}: refused, the file holds more than tensors and could run code; ask for it as safetensors"
        ) from error
    except (RuntimeError, EOFError, ValueError) as error:
        raise InputError(f"{path}: damaged weight file ({error}); fetch it again") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: holds no plain state dict of tensors; save `model.state_dict()` instead")
    return dict(state)


def write_state_dict(state: dict[str, Tensor], path: Path | str) -> None:
    """Write tensors as safetensors, or as a torch file when the name ends in `.pt` or `.pth`; never half a file.

    Raises:
        OutputError: it cannot be written.
    """
    path = Path(path)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as part:
        if path.suffix in (".pt", ".pth"):
            torch.save(tensors, part)
        else:
            from safetensors.torch import save_file

            save_file(tensors, part)


def _is_zip(path: Path) -> bool:
    """Torch's files since 1.6 are zip archives and can be memory-mapped; older ones must be read whole."""
    with path.open("rb") as file:
        return file.read(2) == b"PK"
