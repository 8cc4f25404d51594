"""Weights of the notes model as safetensors: float16, with a JSON header that says what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from klangbild.atomic import atomic_write
from klangbild.errors import InputError, NotAvailableError
from klangbild.hub_weights_torch import read_tensors
from klangbild.notes.conditioning import extra_ids
from klangbild.notes.network_torch import NetworkSizes, NotesNetwork


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


def load_network(path: Path) -> tuple[NotesNetwork, dict[str, Any]]:
    """The network of a weights file, ready to read with, and the file's header.

    Raises:
        NotAvailableError: no such file. InputError: not weights of a notes model.
    """
    weights, header = load_weights(path)
    try:
        network = NotesNetwork(NetworkSizes(**header["sizes"]))
        network.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        raise InputError(
            f"{path}: does not hold a notes model ({str(error).splitlines()[0]}); take another copy"
        ) from None
    return network.eval(), header


def in_other_mode(weights: dict[str, Tensor], sizes: NetworkSizes) -> dict[str, Tensor]:
    """Weights of a `continuous_concat` model as the start of one in another mode, the same music when no emotion is known.

    There, every embedding stands beside what the condition layer makes of "unknown" (0, 0, 0), which is its bias: so the bias
    becomes the last columns of the wider embedding. Prefix ids, which are new, start from the bias alone.
    """
    narrow, bias = weights.get("embedding.weight"), weights.get("condition.bias")
    if narrow is None or bias is None or narrow.ndim != 2 or bias.ndim != 1:
        return weights
    if sizes.embedding_width - narrow.shape[1] != len(bias):
        return weights
    rows = sizes.vocabulary + extra_ids(sizes.mode)
    if len(narrow) > rows:
        return weights
    wide = torch.zeros(rows, sizes.embedding_width)
    wide[: len(narrow), : narrow.shape[1]] = narrow
    wide[:, narrow.shape[1] :] = bias
    kept = {name: w for name, w in weights.items() if not name.startswith(("embedding.", "condition."))}
    return {**kept, "embedding.weight": wide}
