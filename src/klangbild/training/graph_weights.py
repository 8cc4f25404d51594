"""Weights back out of the graphs that ship: what a model was exported as is what it is trained on from.

`sound_graph` names every constant that holds a weight as the network's state dict does. A matrix stands there turned (in, out), as int8
`NAME__int8` with `NAME__scale`; a words' table unturned, as int8 or float16, with what a word's place on the plane of emotion adds
already in it. So the map of places starts from zero, and the model is the same to the bit of its int8.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

from klangbild.errors import InputError, NotAvailableError

INT8, SCALE = "__int8", "__scale"
TABLE = "table.weight"


def graph_weights(path: Path) -> dict[str, Tensor]:
    """Name -> weight, float32, as in the network's state dict.

    Raises:
        NotAvailableError: no such file. InputError: it is no graph with named weights.
    """
    if not path.is_file():
        raise NotAvailableError(f"{path}: there is no such model; train it, or check the path")
    try:
        tensors = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}
    except Exception as error:  # noqa: BLE001 - protobuf and onnx raise kinds of their own for every damaged file
        raise InputError(f"{path}: is not an ONNX graph ({str(error).splitlines()[0]}); take another copy") from None
    weights = {}
    for name, value in tensors.items():
        if name.endswith(INT8):
            name = name.removesuffix(INT8)
            value = value.astype(np.float32) * tensors[name + SCALE]
            value = value if name == TABLE else value.T
        elif name.endswith(SCALE) or ("." not in name and name != "places"):
            continue
        weights[name] = torch.from_numpy(np.array(value, np.float32, order="C"))
    if not weights:
        raise InputError(f"{path}: holds no named weights; export the model again")
    return weights
