"""EfficientNet-Lite as the picture encoder that ships: one ONNX file that gives what the heads, the gate and the words read.

The graph is written by hand: batch norms folded into their convolutions, weights as whole numbers with a scale per output
channel (turned back into float32 when the graph is loaded, so that processors without 8-bit products compute the same). The
1 x 1 convolutions, nine tenths of all weights, are stored in 6 bits, four in three bytes; the others in 8.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from klangbild.emotion.training.efficientnet_lite_torch import STAGES, Block, EfficientNetLite
from klangbild.whole_files import atomic_write

SIDE = 260
SURFACE_STAGES = (1, 2, 3)
"""Stages whose means and deviations tell strokes from grain (grouped folds: area under the curve .985)."""
SIX_BITS_FROM = 60_000
MIDDLE_STAGE = 5
"""The stage beside the top that the heads read: forms, before they are things (photo arousal .58 to .64)."""


def export_efficientnet(
    model: EfficientNetLite, path: str | Path, *, word_weight: np.ndarray, word_bias: np.ndarray, words: tuple[str, ...],
    said_from: np.ndarray | None = None,
) -> Path:  # fmt: skip
    """Write the file; see `klangbild.picture.encoder.PictureEncoder` for its inputs and outputs.

    word_weight (1280, w), word_bias (w,): from the top's mean to the log odds of each of `words`. said_from (w,): the
    probability from which each is said; None: from 1.
    """
    import onnx
    from onnx import TensorProto, helper

    side = SIDE
    graph = _Graph()
    graph.node("Transpose", ["rgb"], "planes_u8", perm=[0, 3, 1, 2])
    graph.node("Cast", ["planes_u8"], "planes", to=TensorProto.FLOAT)
    graph.constant("middle", np.float32(127.0))
    graph.constant("gain", np.float32(1 / 128.0))
    graph.constant("low", np.float32(0.0))
    graph.constant("high", np.float32(6.0))
    graph.constant("axes", np.array([2, 3], np.int64))
    graph.node("Mul", [graph.node("Sub", ["planes", "middle"], "centered"), "gain"], "scaled")
    x = graph.relu6(graph.conv("scaled", model._conv_stem, model._bn0, "stem"), "stem_relu")
    last = {sum(STAGES[model.variant][: stage + 1]) - 1: stage for stage in range(len(STAGES[model.variant]))}
    surface, middle = [], []
    for number, block in enumerate(model._blocks):
        x = graph.block(x, block, f"b{number}")
        stage = last.get(number)
        if stage in SURFACE_STAGES:
            surface += graph.mean_and_deviation(x, f"stage{stage}")
        if stage == MIDDLE_STAGE:
            middle = graph.mean_and_deviation(x, f"stage{stage}")
    top = graph.relu6(graph.conv(x, model._conv_head, model._bn1, "top"), "top_relu")
    mean, deviation = graph.mean_and_deviation(top, "top")
    # the root evens out rare, strong channels
    graph.node("Concat", [graph.node("Sqrt", [mean], "top_root"), deviation, *middle], "embedding", axis=1)
    graph.node("Concat", surface, "surface", axis=1)
    graph.constant("word_weight", word_weight.astype(np.float16))
    graph.constant("word_bias", word_bias.astype(np.float32))
    graph.node("Cast", ["word_weight"], "word_weight_f", to=TensorProto.FLOAT)
    graph.node("Gemm", [mean, "word_weight_f", "word_bias"], "words")
    wide = model._conv_head.out_channels
    ends = {sum(STAGES[model.variant][: stage + 1]) - 1 for stage in (MIDDLE_STAGE,)}
    middle_width = model._blocks[ends.pop()]._project_conv.out_channels
    surface_width = 2 * sum(
        model._blocks[number]._project_conv.out_channels for number, stage in last.items() if stage in SURFACE_STAGES
    )
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name, width in (
            ("embedding", 2 * wide + 2 * middle_width), ("surface", surface_width), ("words", len(words))
        )
    ]  # fmt: skip
    made = helper.make_model(
        helper.make_graph(
            graph.nodes, "picture_encoder",
            [helper.make_tensor_value_info("rgb", TensorProto.UINT8, ["n", side, side, 3])], outputs, graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="klangbild",
    )  # fmt: skip
    said = np.ones(len(words)) if said_from is None else said_from
    helper.set_model_props(
        made,
        {
            "blocks": f"{2 * wide},{2 * middle_width}",
            "words": "\n".join(words),
            "said_from": "\n".join(f"{p:.4f}" for p in said),
        },
    )
    onnx.checker.check_model(made)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return atomic_write(path, made.SerializeToString(deterministic=True))


def quantized(weight: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (out, in, h, w) as whole numbers in -most..most and a scale (out, 1, 1, 1), of those tried with the least squared error."""
    widest = np.maximum(np.abs(weight).max(axis=(1, 2, 3), keepdims=True), 1e-8)
    best, error = widest / most, np.full(widest.shape, np.inf)
    for share in np.linspace(0.5, 1.0, 11) if most < 127 else (1.0,):
        scale = widest * share / most
        off = np.clip(np.round(weight / scale), -most, most) * scale - weight
        found = (off**2).sum(axis=(1, 2, 3), keepdims=True)
        best, error = np.where(found < error, scale, best), np.minimum(found, error)
    return np.clip(np.round(weight / best), -most, most).astype(np.int8), best.astype(np.float32)


def packed(numbers: np.ndarray) -> np.ndarray:
    """int8 in -31..31, a multiple of four of them -> uint8 (n, 3), four numbers plus 32 in three bytes."""
    four = (numbers.reshape(-1, 4).astype(np.int32) + 32).astype(np.uint32)
    whole = four[:, 0] | four[:, 1] << 6 | four[:, 2] << 12 | four[:, 3] << 18
    return np.stack([whole & 255, whole >> 8 & 255, whole >> 16 & 255], axis=1).astype(np.uint8)


class _Graph:
    """Nodes and initializers of an ONNX graph in the making."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.initializers: list = []

    def node(self, kind: str, inputs: list[str], output: str, **attributes) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def relu6(self, x: str, name: str) -> str:
        return self.node("Clip", [x, "low", "high"], name)

    def block(self, x: str, block: Block, name: str) -> str:
        """One `Block`."""
        inner = x
        if block.expands:
            inner = self.relu6(self.conv(x, block._expand_conv, block._bn0, f"{name}e"), f"{name}e_relu")
        inner = self.relu6(self.conv(inner, block._depthwise_conv, block._bn1, f"{name}d"), f"{name}d_relu")
        inner = self.conv(inner, block._project_conv, block._bn2, f"{name}p")
        return self.node("Add", [x, inner], f"{name}_sum") if block.adds else inner

    def mean_and_deviation(self, x: str, name: str) -> list[str]:
        """Of each channel over the picture: two of (n, c)."""
        whole = self.node("ReduceMean", [x, "axes"], f"{name}_mean4", keepdims=1)
        off = self.node("Sub", [x, whole], f"{name}_off")
        variance = self.node(
            "ReduceMean", [self.node("Mul", [off, off], f"{name}_sq"), "axes"], f"{name}_var", keepdims=0
        )
        mean = self.node("ReduceMean", [x, "axes"], f"{name}_mean", keepdims=0)
        return [mean, self.node("Sqrt", [variance], f"{name}_dev")]

    def conv(self, x: str, conv: nn.Conv2d, norm: nn.BatchNorm2d, name: str) -> str:
        """A convolution with its batch norm folded in."""
        from onnx import TensorProto

        with torch.no_grad():
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight = (conv.weight * gain[:, None, None, None]).float().cpu().numpy()
            bias = (norm.bias - norm.running_mean * gain).float().cpu().numpy()
        six = conv.kernel_size == (1, 1) and weight.size >= SIX_BITS_FROM
        numbers, scale = quantized(weight, 31 if six else 127)
        # half precision is enough for what multiplies six bits
        for part, value in (("s", scale), ("b", bias)):
            self.constant(f"{name}_{part}16", value.astype(np.float16))
            self.node("Cast", [f"{name}_{part}16"], f"{name}_{part}", to=TensorProto.FLOAT)
        whole = self.six_bits(numbers, name) if six else self.constant(f"{name}_w8", numbers)
        self.node("Cast", [whole], f"{name}_wf", to=TensorProto.FLOAT)
        if six:
            self.node("Sub", [f"{name}_wf", self._once("thirty_two", np.float32(32.0))], f"{name}_wc")
        self.node("Mul", [f"{name}_wc" if six else f"{name}_wf", f"{name}_s"], f"{name}_w")
        return self.node(
            "Conv", [x, f"{name}_w", f"{name}_b"], f"{name}_out", kernel_shape=list(conv.kernel_size),
            strides=list(conv.stride), group=conv.groups, auto_pad="SAME_UPPER",
        )  # fmt: skip

    def six_bits(self, numbers: np.ndarray, name: str) -> str:
        """Weights (out, in, 1, 1) in -31..31 as packed bytes, and the nodes that unpack them (plus 32)."""
        from onnx import TensorProto

        shape = numbers.shape
        flat = numbers.ravel()
        flat = np.concatenate([flat, np.zeros(-len(flat) % 4, np.int8)])
        self.constant(f"{name}_w6", packed(flat))
        self.node("Cast", [f"{name}_w6"], f"{name}_bytes", to=TensorProto.FLOAT)
        # whole = b0 + 256 b1 + 65536 b2 is exact in float32; each number is the rest of a division by 64
        places = self._once("places", np.array([[1.0], [256.0], [65536.0]], np.float32))
        whole = self.node("MatMul", [f"{name}_bytes", places], f"{name}_whole")
        steps = self._once("steps", np.array([[1.0, 1 / 64, 1 / 4096, 1 / 262144]], np.float32))
        shifted = self.node("Floor", [self.node("Mul", [whole, steps], f"{name}_parts")], f"{name}_shifted")
        sixty_four = self._once("sixty_four", np.float32(64.0))
        turns = self.node("Floor", [self.node("Mul", [shifted, self._once("of64", np.float32(1 / 64))], f"{name}_t")],
                          f"{name}_turns")  # fmt: skip
        rest = self.node("Sub", [shifted, self.node("Mul", [turns, sixty_four], f"{name}_t64")], f"{name}_rest")
        flat_name = self.node("Reshape", [rest, self._once("line", np.array([-1], np.int64))], f"{name}_flat")
        count = int(np.prod(shape))
        cut = self.node(
            "Slice", [flat_name, self._once("zero", np.array([0], np.int64)), self.constant(f"{name}_n", np.array([count], np.int64))],
            f"{name}_cut",
        ) if len(flat) != count else flat_name  # fmt: skip
        return self.node("Reshape", [cut, self.constant(f"{name}_shape", np.array(shape, np.int64))], f"{name}_six")

    def _once(self, name: str, value: np.ndarray) -> str:
        if all(known.name != name for known in self.initializers):
            self.constant(name, value)
        return name
