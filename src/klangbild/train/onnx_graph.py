"""ONNX graphs written by hand, and smaller files of them: weights stored as int8 or float16, turned to float32 when loaded.

Speed and activations stay those of float32 (onnxruntime folds the conversion away once, at loading); only the weights are
rounded. What the rounding costs is measured where a model is exported.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 18, 9
SMALLEST = 4096  # numbers; smaller tensors (biases, norms, scales) stay float32


class GraphBuilder:
    """Collects nodes and constants; calling it adds a node and gives the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: np.ndarray, name: str | None = None) -> str:
        """A tensor, named by itself if need be."""
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def __call__(self, op: str, *inputs: str, name: str | None = None, **attributes) -> str:
        name = name or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=f"make_{name}", **attributes))
        return name

    def model(self, name: str, inputs: dict[str, list], outputs: dict[str, list]) -> onnx.ModelProto:
        """The checked model; inputs and outputs are float32, by name with their shapes (words for free lengths)."""
        sides = [
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in side.items()]
            for side in (inputs, outputs)
        ]
        model = helper.make_model(
            helper.make_graph(self.nodes, name, *sides, self.constants),
            opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="klangbild",
        )  # fmt: skip
        onnx.checker.check_model(model)
        return model


def stored(model: onnx.ModelProto, kind: Literal["int8", "float16"], *, leave: tuple[str, ...] = ()) -> onnx.ModelProto:
    """A copy of the model with its large float32 tensors stored as `kind`; `leave` names tensors left alone.

    int8: one scale for each row of the last axis but one of matrices used as x @ W (that is, each output column), and for
    each output channel of a convolution.
    """
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    convolved = {node.input[1] for node in graph.node if node.op_type == "Conv"}
    kept, nodes = [], []
    for tensor in graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype != np.float32 or value.size < SMALLEST or value.ndim < 2 or tensor.name in leave:
            kept.append(tensor)
            continue
        name = tensor.name
        if kind == "float16":
            kept.append(numpy_helper.from_array(value.astype(np.float16), f"{name}_half"))
            nodes.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT, name=f"{name}_cast"))
            continue
        axes = tuple(range(1, value.ndim)) if name in convolved else tuple(range(value.ndim - 1))
        scale = np.maximum(np.abs(value).max(axis=axes, keepdims=True), 1e-12).astype(np.float32) / 127
        kept.append(numpy_helper.from_array(np.rint(value / scale).astype(np.int8), f"{name}_int8"))
        kept.append(numpy_helper.from_array(scale, f"{name}_scale"))
        nodes.append(
            helper.make_node("Cast", [f"{name}_int8"], [f"{name}_cast"], to=TensorProto.FLOAT, name=f"{name}_c")
        )
        nodes.append(helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [name], name=f"{name}_m"))
    body = list(graph.node)
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend([*nodes, *body])
    onnx.checker.check_model(model)
    return model
