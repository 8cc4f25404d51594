"""Weights of others, read without running code of others: safetensors, or pickles restricted to tensors."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from klangbild.errors import NotAvailableError
from klangbild.hub_weights_torch import read_tensors
from klangbild.whole_files import atomic_path, give_plain_mode


def read_state_dict(path: Path | str) -> dict[str, Tensor]:
    """Tensors by name from safetensors, or from a torch file, memory-mapped (`hub_weights_torch.py`).

    Raises:
        NotAvailableError: no such file.
        InputError: damaged, or a pickle that holds more than tensors (it is never executed).
    """
    path = Path(path)
    if not path.is_file():
        raise NotAvailableError(f"{path}: no such weight file; give the path of a .safetensors or .pt file")
    return read_tensors(path)


def write_state_dict(state: dict[str, Tensor], path: Path | str) -> None:
    """Write tensors as safetensors, or as a torch file when the name ends in `.pt` or `.pth`; never half a file.

    Raises:
        OutputError: it cannot be written.
    """
    path = Path(path)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, named=True) as part:
        if path.suffix in (".pt", ".pth"):
            torch.save(tensors, part)
        else:
            from safetensors.torch import save_file

            save_file(tensors, part, metadata={"format": "pt"})  # transformers asks for it
            give_plain_mode(part)
