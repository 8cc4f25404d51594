"""The notes model in torch, from its weights file, and its weights as the start of another conditioning mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from klangbild.errors import InputError
from klangbild.models.bars.conditioning import extra_ids
from klangbild.models.bars.network_torch import NetworkSizes, NotesNetwork
from klangbild.training.weights_torch import load_weights


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
