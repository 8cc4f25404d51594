"""The plan model as two ONNX graphs: words to tokens, and the velocity that the sampler asks for at every step.

plan-words   words (B, 12) int64 -> tokens (B, 12, D)
plan-base    x (B, T, channels), t (B,), context (B, 16, D), context_mask (B, 16), image_k and image_v (B, L, 16, D),
              image_mix and image_gate (B, L) -> velocity like x; float32, any T

image_mix a: keys and values in block l are (1 - a) words + a picture (MeLFusion's paper form). image_gate g: the picture is
listened to on its own, behind tanh(g). Both 0: words only, to the bit.

Matrices are int8 with a float32 scale a column (the words' table: a row), turned back to float32 when the file is opened: a quarter of the size at
the speed of float32, and the same numbers on every machine. The same network in torch: `models/plan/network_torch.py`.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from klangbild.errors import InputError, NotAvailableError
from klangbild.models.plan.caption_words import MAX_WORDS
from klangbild.models.plan.network_torch import CONTEXT, MASKED, ROPE_BASE, PlanSizes

OPSET, IR_VERSION = 17, 8
INT8, SCALE = "__int8", "__scale"
TABLE = "table.weight"
Weights = dict[str, np.ndarray]


class _Graph:
    """Nodes and constants; every call returns the name of its result."""

    def __init__(self, sizes: PlanSizes, weights: Weights) -> None:
        self.sizes, self.weights = sizes, weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._known: dict[tuple, str] = {}

    def __call__(self, op: str, *inputs: str, outputs: int = 1, name: str | None = None, **attributes):
        names = [name or f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: np.ndarray, name: str | None = None) -> str:
        """A tensor; one that holds a weight is named, so that `graph_weights` finds it again."""
        if name:
            self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
            return name
        key = (value.dtype.str, value.shape, value.tobytes()) if value.size < 64 else None
        if key in self._known:
            return self._known[key]
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        if key:
            self._known[key] = name
        return name

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def whole(self, *numbers: int) -> str:
        return self.constant(np.array(numbers, np.int64))

    def matrix(self, name: str) -> str:
        """A weight (out, in) as a matrix (in, out), kept as int8 with a scale a column."""
        weight = self.weights[name].T
        scale = np.maximum(np.abs(weight).max(axis=0, keepdims=True), 1e-8).astype(np.float32) / 127
        kept = self.constant(np.clip(np.rint(weight / scale), -127, 127).astype(np.int8), name + INT8)
        return self("Mul", self("Cast", kept, to=TensorProto.FLOAT), self.constant(scale, name + SCALE))

    def rows(self, table: np.ndarray, which: str) -> str:
        """Rows of a table (n, D) kept as int8 with a scale a row."""
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-8).astype(np.float32) / 127
        kept = self.constant(np.clip(np.rint(table / scale), -127, 127).astype(np.int8), TABLE + INT8)
        found = self("Cast", self("Gather", kept, which), to=TensorProto.FLOAT)
        return self("Mul", found, self("Gather", self.constant(scale, TABLE + SCALE), which))

    def linear(self, x: str, layer: str) -> str:
        """By the weights of a torch Linear of that name, with its bias if it has one."""
        out = self("MatMul", x, self.matrix(f"{layer}.weight"))
        bias = self.weights.get(f"{layer}.bias")
        return out if bias is None else self("Add", out, self.constant(bias, f"{layer}.bias"))

    def norm(self, x: str) -> str:
        d = self.sizes.width
        plain = self.constant(np.ones(d, np.float32)), self.constant(np.zeros(d, np.float32))
        return self("LayerNormalization", x, *plain, axis=-1, epsilon=1e-5)

    def silu(self, x: str) -> str:
        return self("Mul", x, self("Sigmoid", x))

    def heads(self, x: str, *, turned: bool = False) -> str:
        """(B, n, D) -> (B, H, n, d), or (B, H, d, n)."""
        split = self("Reshape", x, self.whole(0, 0, self.sizes.heads, self.sizes.head_width))
        return self("Transpose", split, perm=[0, 2, 3, 1] if turned else [0, 2, 1, 3])

    def joined(self, x: str) -> str:
        return self("Reshape", self("Transpose", x, perm=[0, 2, 1, 3]), self.whole(0, 0, self.sizes.width))

    def attend(self, query: str, turned_keys: str, values: str, bias: str | None = None) -> str:
        """(B, H, q, d), (B, H, d, n), (B, H, n, d) -> (B, H, q, d)."""
        scores = self("Mul", self("MatMul", query, turned_keys), self.number(self.sizes.head_width**-0.5))
        scores = scores if bias is None else self("Add", scores, bias)
        return self("MatMul", self("Softmax", scores, axis=-1), values)

    def parts(self, x: str, n: int, axis: int = -1) -> list[str]:
        """Equal parts of the last axis (`n` x D wide)."""
        return self("Split", x, self.whole(*[self.sizes.width] * n), outputs=n, axis=axis)

    def shifted(self, x: str, scale: str, shift: str) -> str:
        return self("Add", self("Mul", self.norm(x), self("Add", scale, self.number(1.0))), shift)

    def model(self, name: str, inputs: list, outputs: list) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="klangbild")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model)
        return model


def words_graph(sizes: PlanSizes, weights: Weights) -> onnx.ModelProto:
    """`WordsEncoder`'s state dict as numpy -> the graph."""
    g = _Graph(sizes, weights)
    # a word's table row and what its place on the plane of emotion adds are one row when nothing is trained any more
    rows = weights["table.weight"] + weights["affect"] @ weights["place.weight"].T
    x = g.rows(rows, "words")
    first = np.zeros(MAX_WORDS, np.float32)
    first[0] = 1.0
    present = g("Cast", g("Greater", "words", g.whole(0)), to=TensorProto.FLOAT)
    present = g("Max", present, g.constant(first))
    bias = g("Mul", g("Sub", g.number(1.0), present), g.number(MASKED))
    bias = g("Unsqueeze", bias, g.whole(1, 2))
    q, k, v = g.parts(g.linear(g.norm(x), "attention_in"), 3)
    heard = g.joined(g.attend(g.heads(q), g.heads(k, turned=True), g.heads(v), bias))
    x = g("Add", x, g.linear(heard, "attention_out"))
    g("Add", x, g.linear(g.silu(g.linear(g.norm(x), "up")), "down"), name="tokens")
    return g.model(
        "plan_words",
        [_tensor("words", ["B", MAX_WORDS], TensorProto.INT64)],
        [_tensor("tokens", ["B", MAX_WORDS, sizes.width])],
    )


def base_graph(sizes: PlanSizes, weights: Weights) -> onnx.ModelProto:
    """`PlanNetwork`'s state dict as numpy -> the graph."""
    g = _Graph(sizes, weights)
    c = _condition(g)
    shared = g("Reshape", g.linear(c, "time_out"), g.whole(0, 6, sizes.width))
    bias = g("Mul", g("Sub", g.number(1.0), "context_mask"), g.number(MASKED))
    bias = g("Unsqueeze", bias, g.whole(1, 2))
    h = g.linear(_with_neighbours(g), "enter")
    turns = _rotary(g)
    for layer in range(sizes.layers):
        h = _block(g, layer, h, shared, turns, bias)
    scale, shift = (g("Unsqueeze", part, g.whole(1)) for part in g.parts(g.linear(c, "last_shifts"), 2))
    out = g("MatMul", g.shifted(h, scale, shift), g.matrix("leave.weight"))
    g("Add", out, g.constant(weights["leave.bias"], "leave.bias"), name="velocity")
    image = ["B", sizes.layers, CONTEXT, sizes.width]
    return g.model(
        "plan_base",
        [
            _tensor("x", ["B", "T", sizes.channels]),
            _tensor("t", ["B"]),
            _tensor("context", ["B", CONTEXT, sizes.width]),
            _tensor("context_mask", ["B", CONTEXT]),
            _tensor("image_k", image),
            _tensor("image_v", image),
            _tensor("image_mix", ["B", sizes.layers]),
            _tensor("image_gate", ["B", sizes.layers]),
        ],
        [_tensor("velocity", ["B", "T", sizes.channels])],
    )


def _condition(g: _Graph) -> str:
    """(B, D): time and the mean of the context."""
    half = g.sizes.width // 2
    frequency = 1000.0 * np.exp(-math.log(1e4) / half * np.arange(half, dtype=np.float32))
    angle = g("Mul", g("Unsqueeze", "t", g.whole(1)), g.constant(frequency.astype(np.float32)))
    time = g.linear(g("Concat", g("Cos", angle), g("Sin", angle), axis=-1), "time_in")
    mask = g("Unsqueeze", "context_mask", g.whole(2))
    total = g("ReduceSum", g("Mul", "context", mask), g.whole(1), keepdims=0)
    count = g("Max", g("ReduceSum", "context_mask", g.whole(1), keepdims=1), g.number(1.0))
    return g.silu(g("Add", time, g.linear(g("Div", total, count), "pooled")))


def _with_neighbours(g: _Graph) -> str:
    """(B, T, 64) -> (B, T, 192): each latent between the one before and the one after, zeros at the ends."""
    end = 2**31 - 1
    before = g("Slice", g("Pad", "x", g.whole(0, 1, 0, 0, 0, 0)), g.whole(0), g.whole(-1), g.whole(1))
    after = g("Slice", g("Pad", "x", g.whole(0, 0, 0, 0, 1, 0)), g.whole(1), g.whole(end), g.whole(1))
    return g("Concat", before, "x", after, axis=-1)


def _range(g: _Graph) -> str:
    """0 .. T - 1, int64."""
    length = g("Squeeze", g("Slice", g("Shape", "x"), g.whole(1), g.whole(2)), g.whole(0))
    return g("Range", g.constant(np.array(0, np.int64)), length, g.constant(np.array(1, np.int64)))


def _rotary(g: _Graph) -> tuple[str, str]:
    """(T, d) factors: turned = x cosine + halves_swapped(x) sine."""
    d = g.sizes.head_width
    frequency = (ROPE_BASE ** (-np.arange(0, d, 2, dtype=np.float32) / d)).astype(np.float32)
    places = g("Cast", _range(g), to=TensorProto.FLOAT)
    angle = g("Mul", g("Unsqueeze", places, g.whole(1)), g.constant(frequency))
    cosine, sine = g("Cos", angle), g("Sin", angle)
    return g("Concat", cosine, cosine, axis=-1), g("Concat", g("Neg", sine), sine, axis=-1)


def _turned(g: _Graph, x: str, turns: tuple[str, str]) -> str:
    half = g.sizes.head_width // 2
    first, second = g("Split", x, g.whole(half, half), outputs=2, axis=-1)
    return g("Add", g("Mul", x, turns[0]), g("Mul", g("Concat", second, first, axis=-1), turns[1]))


def _block(g: _Graph, layer: int, x: str, shared: str, turns: tuple[str, str], bias: str) -> str:
    prefix = f"blocks.{layer}."
    moved = g("Add", shared, g.constant(g.weights[f"{prefix}shifts"], f"{prefix}shifts"))
    scale_a, shift_a, gate_a, scale_f, shift_f, gate_f = g("Split", moved, g.whole(*[1] * 6), outputs=6, axis=1)
    q, k, v = g.parts(g.linear(g.shifted(x, scale_a, shift_a), f"{prefix}attention_in"), 3)
    keys = g("Transpose", _turned(g, g.heads(k), turns), perm=[0, 1, 3, 2])
    heard = g.joined(g.attend(_turned(g, g.heads(q), turns), keys, g.heads(v)))
    one = g.number(1.0)
    x = g("Add", x, g("Mul", g("Add", gate_a, one), g.linear(heard, f"{prefix}attention_out")))
    x = g("Add", x, g.linear(_listen(g, layer, g.norm(x), bias), f"{prefix}cross_out"))
    h = g.linear(g.silu(g.linear(g.shifted(x, scale_f, shift_f), f"{prefix}up")), f"{prefix}down")
    return g("Add", x, g("Mul", g("Add", gate_f, one), h))


def _listen(g: _Graph, layer: int, x: str, bias: str) -> str:
    prefix = f"blocks.{layer}."
    query = g.heads(g.linear(x, f"{prefix}query"))
    keys, values = g.parts(g.linear("context", f"{prefix}key_value"), 2)
    here = [g("Gather", name, g.constant(np.array(layer, np.int64)), axis=1) for name in ("image_k", "image_v")]
    mix, gate = (
        g("Gather", name, g.constant(np.array(layer, np.int64)), axis=1) for name in ("image_mix", "image_gate")
    )
    mix = g("Unsqueeze", mix, g.whole(1, 2))
    rest = g("Sub", g.number(1.0), mix)
    keys, values = (
        g("Add", g("Mul", rest, words), g("Mul", mix, picture))
        for words, picture in zip((keys, values), here, strict=True)
    )
    heard = g.attend(query, g.heads(keys, turned=True), g.heads(values), bias)
    own = g.attend(query, g.heads(here[0], turned=True), g.heads(here[1]))
    gate = g("Unsqueeze", g("Tanh", gate), g.whole(1, 2, 3))
    return g.joined(g("Add", heard, g("Mul", gate, own)))


def _tensor(name: str, shape: list, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def graph_weights(path: Path) -> dict[str, Tensor]:
    """Weights back out of a graph that ships: what a model was exported as is what it is trained on from.

    Name -> weight, float32, as in the network's state dict. A matrix stands in the graph turned (in, out), a words' table unturned
    and with what a word's place on the plane of emotion adds already in it: so the map of places starts from zero, and the
    model is the same to the bit of its int8.

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
        elif name.endswith(SCALE) or "." not in name:
            continue
        weights[name] = torch.from_numpy(np.array(value, np.float32, order="C"))
    if not weights:
        raise InputError(f"{path}: holds no named weights; export the model again")
    return weights
