"""Weights alone as safetensors, half or float32, with a JSON header that says what they are: what `--weights` trains on from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from klangbild.errors import NotAvailableError
from klangbild.hub_weights_torch import read_tensors
from klangbild.whole_files import atomic_write


def save_weights(path: Path, weights: dict[str, Tensor], *, half: bool, notes: dict[str, Any]) -> None:
    """Weights alone as safetensors (float16 if `half`), with a JSON header that says what they are."""
    from safetensors.torch import save

    path.parent.mkdir(parents=True, exist_ok=True)
    dtype = torch.float16 if half else torch.float32
    kept = {name: w.detach().to(dtype).cpu().contiguous() for name, w in weights.items()}
    atomic_write(path, save(kept, metadata={"klangbild": json.dumps(notes, sort_keys=True)}), durable=True)


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The float32 weights of `save_weights` and its header (empty for files of another origin, a `.pt` for example).

    Raises:
        NotAvailableError: no such file. InputError: damaged, or it holds no weights.
    """
    from safetensors import safe_open

    if not path.is_file():
        raise NotAvailableError(f"{path}: there are no such weights; train them, or check the path")
    weights = {name: tensor.float() for name, tensor in read_tensors(path).items()}
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {}).get("klangbild", "{}"))
    except Exception:  # noqa: BLE001 - no safetensors, or a header of somebody else's
        header = {}
    return weights, header if isinstance(header, dict) else {}
