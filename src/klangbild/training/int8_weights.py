"""Weights to train on from in a quarter of the size: matrices as int8 with a float32 scale a row, all else float16 (.safetensors).

A model that ships with int8 matrices loses nothing by it: its graph has the very same numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from klangbild.training.weights_torch import load_weights
from klangbild.whole_files import atomic_write

_SCALE = "__scale"
_MIN_SIZE = 4096


def save_int8(weights: dict[str, Tensor], path: Path, header: dict[str, Any]) -> None:
    """A state dict and what is said of it, whole or not at all."""
    from safetensors.torch import save

    kept: dict[str, Tensor] = {}
    for name, weight in weights.items():
        weight = weight.detach()
        if weight.ndim != 2 or weight.numel() < _MIN_SIZE:
            kept[name] = (weight.half() if weight.is_floating_point() else weight).contiguous()
            continue
        scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
        kept[name] = torch.round(weight / scale).to(torch.int8).contiguous()
        kept[f"{name}{_SCALE}"] = scale.contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, save(kept, metadata={"klangbild": json.dumps(header, sort_keys=True)}), durable=True)


def load_int8(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save_int8` wrote, float32. Raises NotAvailableError: no such file. InputError: it is damaged."""
    kept, header = load_weights(path)
    weights = {name: w * kept.get(f"{name}{_SCALE}", 1.0) for name, w in kept.items() if not name.endswith(_SCALE)}
    return weights, header
