"""The notes model as an ONNX graph that reads a few ids at a time and never copies its memory.

Inputs   ids (B, T) int64, condition (B, T, 3) float32, positions (T,) int64,
         with places also bar and step (B, T) int64: `notes.places` after each id,
         keys_i (B, H, D, P) and values_i (B, H, P, D) float32 for each layer i: the memory, P places of it,
         memory_bias (P,) float32: 0 where a place is filled, -1e9 where it is not.
Outputs  logits (B, V) float32 after the last id, new_keys_i (B, H, D, T), new_values_i (B, H, T, D): to be written
         into the memory by the caller.

Old and new keys are scored apart and only the scores are joined, so the graph reads the memory where it lies: a step costs
no copy of it, as a growing concatenation would.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from klangbild.models.bars.network_torch import NetworkSizes, RMSNorm

OPSET, IR_VERSION = 17, 8
MASKED = -1e9


class _Graph:
    """Collects nodes and constants; every call returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._known: dict[tuple, str] = {}

    def constant(self, value: np.ndarray, name: str | None = None) -> str:
        key = (value.dtype.str, value.shape, value.tobytes()) if value.size < 64 else None
        if name is None and key in self._known:
            return self._known[key]
        name = name or f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        if key:
            self._known[key] = name
        return name

    def whole(self, *numbers: int) -> str:
        return self.constant(np.array(numbers, np.int64))

    def __call__(self, op: str, *inputs: str, outputs: int = 1, name: str | None = None, **attributes):
        names = [name or f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names


def build_graph(
    sizes: NetworkSizes, weights: dict[str, np.ndarray], *, half_embedding: bool = False
) -> onnx.ModelProto:
    """Sizes and the float32 weights of a `NotesNetwork` (its state dict) -> the float32 model.

    half_embedding: keep the table of embeddings in float16, which halves its share of the file.
    """
    g = _Graph()
    x = _embed(g, sizes, weights, half_embedding)
    if sizes.places:
        for name in ("bar", "step"):
            x = g("Add", x, g("Gather", g.constant(weights[f"{name}.weight"], f"{name}_table"), name))
    if sizes.attributes:
        x = g("Add", x, _attributes(g, weights))
    cosine, sine = _rope(g, sizes)
    bias = _biases(g)
    for layer in range(sizes.layers):
        x = _attention(g, sizes, weights, layer, x, cosine, sine, bias)
        x = _feed_forward(g, weights, layer, x)
    last = g("Slice", x, g.whole(-1), g.whole(2**62), g.whole(1))
    last = g("Squeeze", last, g.whole(1))
    g("MatMul", _norm(g, last, weights["norm.weight"]), g.constant(weights["head.weight"].T, "head"), name="logits")
    return _model(g, sizes)


def _embed(g: _Graph, sizes: NetworkSizes, weights: dict[str, np.ndarray], half: bool) -> str:
    table = g.constant(weights["embedding.weight"].astype(np.float16 if half else np.float32), "embedding")
    x = g("Gather", table, "ids")
    x = g("Cast", x, to=TensorProto.FLOAT) if half else x
    if "condition.weight" not in weights:
        return x
    # Gemm-like, but named so that it is never quantised: three numbers in, it costs nothing
    mixed = g(
        "MatMul",
        _told(g, 0, 3),
        g.constant(weights["condition.weight"].T, "condition_weight"),
        name="condition_product",
    )
    emotion = g("Add", mixed, g.constant(weights["condition.bias"]))
    if sizes.mode == "continuous_concat":
        return g("Concat", x, emotion, axis=-1)
    halves = g("Split", emotion, g.whole(sizes.width, sizes.width), outputs=2, axis=-1)
    for offset, half in enumerate(halves):
        here = g("Equal", "ids", g.whole(sizes.vocabulary + offset))
        here = g("Unsqueeze", g("Cast", here, to=TensorProto.FLOAT), g.whole(-1))
        x = g("Add", x, g("Mul", here, half))
    return x


def _told(g: _Graph, first: int, end: int) -> str:
    """Some numbers of the condition, (B, T, end - first)."""
    return g("Slice", "condition", g.whole(first), g.whole(end), g.whole(2))


def _attributes(g: _Graph, weights: dict[str, np.ndarray]) -> str:
    """What the section is like, (B, T, D); too small to be worth int8."""
    h = g("MatMul", _told(g, 3, 2**62), g.constant(weights["attributes_in.weight"].T, "attributes_in"))
    h = g("Relu", g("Add", h, g.constant(weights["attributes_in.bias"])))
    return g("MatMul", g("Mul", h, h), g.constant(weights["attributes_out.weight"].T, "attributes_out"))


def _rope(g: _Graph, sizes: NetworkSizes) -> tuple[str, str]:
    """(T, 1, head_width) factors: rotated = x * cosine + halves_swapped(x) * sine."""
    d = sizes.head_width
    frequency = (sizes.rope_base ** (-np.arange(0, d, 2, dtype=np.float32) / d)).astype(np.float32)
    angle = g("Mul", g("Unsqueeze", g("Cast", "positions", to=TensorProto.FLOAT), g.whole(1, 2)), g.constant(frequency))
    cosine, sine = g("Cos", angle), g("Sin", angle)
    return g("Concat", cosine, cosine, axis=-1), g("Concat", g("Neg", sine), sine, axis=-1)


def _biases(g: _Graph) -> str:
    """(T, P + T): what is added to the scores: places not filled, and ids of the future, count for nothing."""
    row, column = g("Unsqueeze", "positions", g.whole(1)), g("Unsqueeze", "positions", g.whole(0))
    future = g("Cast", g("Greater", column, row), to=TensorProto.FLOAT)
    causal = g("Mul", future, g.constant(np.array(MASKED, np.float32)))
    length = g("Shape", "positions")
    memory = g("Expand", g("Unsqueeze", "memory_bias", g.whole(0)), g("Concat", length, g.whole(1), axis=0))
    return g("Concat", memory, causal, axis=1)


def _norm(g: _Graph, x: str, weight: np.ndarray) -> str:
    """In the form that onnxruntime recognises and runs as one operation."""
    square = g("Pow", x, g.constant(np.array(2.0, np.float32)))
    mean = g("ReduceMean", square, axes=[-1], keepdims=1)
    root = g("Sqrt", g("Add", mean, g.constant(np.array(RMSNorm.epsilon, np.float32))))
    return g("Mul", g("Div", x, root), g.constant(weight))


def _attention(
    g: _Graph,
    sizes: NetworkSizes,
    weights: dict[str, np.ndarray],
    layer: int,
    x: str,
    cosine: str,
    sine: str,
    bias: str,
) -> str:
    prefix, heads, d = f"blocks.{layer}.", sizes.heads, sizes.head_width
    scale = d**-0.5  # of the scores, put into the queries' weights
    parts = [weights[f"{prefix}{n}.weight"].T for n in ("query", "key", "value")]
    joint = g.constant(np.concatenate([parts[0] * np.float32(scale), *parts[1:]], axis=1), f"attention_in_{layer}")
    h = g("MatMul", _norm(g, x, weights[f"{prefix}attention_norm.weight"]), joint)
    h = g("Reshape", h, g.whole(0, 0, 3 * heads, d))
    turned, value = g("Split", h, g.whole(2 * heads, heads), outputs=2, axis=2)
    first, second = g("Split", turned, g.whole(d // 2, d // 2), outputs=2, axis=-1)
    swapped = g("Concat", second, first, axis=-1)
    turned = g("Add", g("Mul", turned, cosine), g("Mul", swapped, sine))
    query, key = g("Split", turned, g.whole(heads, heads), outputs=2, axis=2)
    query = g("Transpose", query, perm=[0, 2, 1, 3])
    key = g("Transpose", key, perm=[0, 2, 3, 1], name=f"new_keys_{layer}")
    value = g("Transpose", value, perm=[0, 2, 1, 3], name=f"new_values_{layer}")
    scores = g("Concat", g("MatMul", query, f"keys_{layer}"), g("MatMul", query, key), axis=-1)
    odds = g("Softmax", g("Add", scores, bias), axis=-1)
    places = g("Shape", "memory_bias")
    old, new = g("Split", odds, g("Concat", places, g("Shape", "positions"), axis=0), outputs=2, axis=-1)
    mixed = g("Add", g("MatMul", old, f"values_{layer}"), g("MatMul", new, value))
    mixed = g("Reshape", g("Transpose", mixed, perm=[0, 2, 1, 3]), g.whole(0, 0, heads * d))
    out = g.constant(weights[f"{prefix}out.weight"].T, f"attention_out_{layer}")
    return g("Add", x, g("MatMul", mixed, out))


def _feed_forward(g: _Graph, weights: dict[str, np.ndarray], layer: int, x: str) -> str:
    prefix = f"blocks.{layer}."
    h = _norm(g, x, weights[f"{prefix}hidden_norm.weight"])
    h = g("Relu", g("MatMul", h, g.constant(weights[f"{prefix}up.weight"].T, f"up_{layer}")))
    return g("Add", x, g("MatMul", g("Mul", h, h), g.constant(weights[f"{prefix}down.weight"].T, f"down_{layer}")))


def _model(g: _Graph, sizes: NetworkSizes) -> onnx.ModelProto:
    def tensor(name: str, shape: list, kind: int = TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    heads, d = sizes.heads, sizes.head_width
    inputs = [
        tensor("ids", ["B", "T"], TensorProto.INT64),
        tensor("condition", ["B", "T", 3 + sizes.attributes]),
        tensor("positions", ["T"], TensorProto.INT64),
        tensor("memory_bias", ["P"]),
    ]
    if sizes.places:
        inputs += [tensor(name, ["B", "T"], TensorProto.INT64) for name in ("bar", "step")]
    outputs = [tensor("logits", ["B", sizes.vocabulary])]
    for i in range(sizes.layers):
        inputs += [tensor(f"keys_{i}", ["B", heads, d, "P"]), tensor(f"values_{i}", ["B", heads, "P", d])]
        outputs += [tensor(f"new_keys_{i}", ["B", heads, d, "T"]), tensor(f"new_values_{i}", ["B", heads, "T", d])]
    graph = helper.make_graph(g.nodes, "notes", inputs, outputs, g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="klangbild")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model
