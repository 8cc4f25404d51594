"""A midi-emotion network as an onnxruntime graph, so that a converted model composes without torch.

The graph reads new ids against memories of keys and values that the caller owns, and writes the new ones into them in place:
`GroupQueryAttention` of onnxruntime does so when input and output are the same buffer. The relative term of the attention
enters as its additive bias. Weights:

* float32: the graph holds none; its initializers point into the `model.safetensors` beside it (ONNX external data);
* int8: `MatMulNBits` with 8 bits, one scale for each `BLOCK` weights of a row, activations rounded to int8 on the fly.
  Embedding, conditions, tables of distances and norms stay float32.

Inputs (B rows, T new ids, H heads of width d, rounded up to a multiple of 8, C places in the memory):
    ids (B, T) int64; condition (B, 2) float32; prefix_rows () int64: 2 when `continuous_token` reads its first ids, else 0;
    position () int64: how many positions the memory holds; last (B,) int32 and total () int32: the number of positions after
    this call, less one in `last`; keys_i, values_i (B, H, C, d) float32.
Outputs: logits (B, V) after the last id; new_keys_i, new_values_i: the memories (bind them to the same buffers).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.models.aria.sizes import MidiEmotionSizes, position_table

Precision = Literal["float32", "int8"]
BLOCK = 128
_BITS = 8
_INT8_INPUTS = 4  # onnxruntime's accuracy_level for which inputs are rounded to int8, too
_OPSET, _IR_VERSION = 17, 9
_MICROSOFT = "com.microsoft"
_EPSILON = 1e-6


class TensorFile:
    """A `.safetensors` file looked into: where each tensor lies, and its values as numpy arrays (memory-mapped).

    Raises:
        InputError: the file is missing, damaged, or holds something else than float32.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                size = int.from_bytes(file.read(8), "little")
                if not 2 <= size <= 100_000_000:
                    raise ValueError("no header")
                header = json.loads(file.read(size))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as safetensors ({error}); convert the model again") from None
        header.pop("__metadata__", None)
        strange = sorted({entry["dtype"] for entry in header.values()} - {"F32"})
        if strange:
            raise InputError(f"{path}: holds {', '.join(strange)}, not float32 (F32); convert the model again")
        self.start = 8 + size
        self.entries: dict[str, dict[str, Any]] = header
        ends = [entry["data_offsets"][1] for entry in header.values()]
        if self.start + max(ends, default=0) > path.stat().st_size:
            raise InputError(f"{path}: is cut off; fetch or convert the model again")

    def __getitem__(self, name: str) -> np.ndarray:
        entry = self.entries[name]
        offset = self.start + entry["data_offsets"][0]
        return np.memmap(self.path, np.float32, "r", offset=offset, shape=tuple(entry["shape"]) or (1,))


def write_graph(folder: Path, sizes: MidiEmotionSizes, *, precision: Precision) -> Path:
    """Write `model.{precision}.onnx` beside the `model.safetensors` of `folder`; returns its path.

    Raises:
        NotAvailableError: the library `onnx` is not installed.
        InputError: the weights do not have these sizes.
    """
    try:
        import onnx
    except ModuleNotFoundError:
        raise NotAvailableError(
            'this needs onnx, which is not installed; run: pip install "klangbild[train]"'
        ) from None
    from klangbild.whole_files import atomic_path

    weights = TensorFile(folder / "model.safetensors")
    model = _Graph(sizes, weights, precision).model()
    path = folder / f"model.{precision}.onnx"
    with atomic_path(path) as temporary:
        onnx.save_model(model, str(temporary))
    return path


def quantize_rows(weight: np.ndarray, block: int = BLOCK) -> tuple[np.ndarray, np.ndarray]:
    """(N, K) float32 -> (uint8 (N, blocks, block) with 128 for zero, scales (N * blocks,) float32)."""
    n, k = weight.shape
    blocks = -(-k // block)
    padded = np.zeros((n, blocks * block), np.float32)
    padded[:, :k] = weight
    padded = padded.reshape(n, blocks, block)
    scales = np.abs(padded).max(axis=2) / 127.0
    steps = padded / np.where(scales == 0, 1.0, scales)[..., None]
    return (np.rint(steps) + 128).astype(np.uint8), scales.reshape(-1).astype(np.float32)


def memory_width(sizes: MidiEmotionSizes) -> int:
    """Width of a head in the memories: d_head, rounded up to a multiple of 8."""
    return -(-sizes.d_head // 8) * 8


class _Graph:
    """Collects nodes and initializers. Every method that adds a node gives back the name of its output."""

    def __init__(self, sizes: MidiEmotionSizes, weights: TensorFile, precision: Precision) -> None:
        self.sizes, self.weights, self.precision = sizes, weights, precision
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}

    def model(self) -> Any:
        from onnx import TensorProto, helper

        s = self.sizes
        x = self._embed()
        self._distances()
        for layer in range(s.n_layer):
            x = self._layer(x, layer)
        last = self._squeeze(self._slice(x, [-1], [2**62], axis=1), axis=1)
        self._linear(last, "fc", out="logits")
        memory = ["B", s.n_head, "C", memory_width(s)]
        kinds = TensorProto
        inputs = [("ids", kinds.INT64, ["B", "T"])]
        if s.conditioning in ("continuous_concat", "continuous_token"):
            inputs.append(("condition", kinds.FLOAT, ["B", 2]))
        if s.conditioning == "continuous_token":
            inputs.append(("prefix_rows", kinds.INT64, []))
        inputs += [("position", kinds.INT64, []), ("last", kinds.INT32, ["B"]), ("total", kinds.INT32, [])]
        outputs = [("logits", kinds.FLOAT, ["B", s.vocab_size])]
        for layer in range(s.n_layer):
            for what in ("keys", "values"):
                inputs.append((f"{what}_{layer}", kinds.FLOAT, memory))
                outputs.append((f"new_{what}_{layer}", kinds.FLOAT, memory))
        graph = helper.make_graph(
            self.nodes,
            "midi-emotion",
            [helper.make_tensor_value_info(*row) for row in inputs],
            [helper.make_tensor_value_info(*row) for row in outputs],
            list(self.initializers.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="klangbild")

    # -- the network -----------------------------------------------------------------------------------------------

    def _embed(self) -> str:
        """ids and condition -> (B, T', D) with positions, where T' counts the prefix rows too."""
        s = self.sizes
        x = self._node("Gather", [self._weight("embedding.weight"), "ids"])
        x = self._node("Mul", [x, self._constant(np.float32(math.sqrt(s.d_embedding)))])
        if s.conditioning == "continuous_concat":
            beside = self._exact_linear("condition", "fc_condition")
            shape = self._node("Concat", [self._node("Shape", ["ids"]), self._constant([s.d_condition])], axis=0)
            beside = self._node("Expand", [self._unsqueeze(beside, axis=1), shape])
            x = self._node("Concat", [x, beside], axis=2)
        elif s.conditioning == "continuous_token":
            rows = [
                self._exact_linear(self._slice("condition", [i], [i + 1], axis=1), f"fc_condition.{i}")
                for i in range(2)
            ]
            prefix = self._node("Concat", [self._unsqueeze(row, axis=1) for row in rows], axis=1)
            count = self._node("Reshape", ["prefix_rows", self._constant([1])])
            prefix = self._node("Slice", [prefix, self._constant([0]), count, self._constant([1])])
            x = self._node("Concat", [prefix, x], axis=1)
        n_new = self._node("Slice", [self._node("Shape", [x]), self._constant([1]), self._constant([2])])
        begin = self._node("Reshape", ["position", self._constant([1])])
        end = self._node("Add", [begin, n_new])
        self.n_new = n_new
        table = self._constant(position_table(s), name="positions")
        return self._node("Add", [x, self._node("Slice", [table, begin, end, self._constant([0])])])

    def _distances(self) -> None:
        """Names that every layer's relative term needs: its shapes, and which rows of the table of distances count."""
        s = self.sizes
        total = self._node("Reshape", [self._node("Cast", ["total"], to=7), self._constant([1])])
        self.first_row = self._node("Sub", [self._constant([s.max_positions]), total])
        rows = self._node("Slice", [self._node("Shape", ["ids"]), self._constant([0]), self._constant([1])])
        heads = self._constant([s.n_head])
        self.wide = self._node("Concat", [rows, heads, self.n_new, total], axis=0)
        self.flat = self._node("Concat", [rows, heads, self._constant([-1])], axis=0)
        self.skew_from = self._node("Sub", [self.n_new, self._constant([1])])
        self.skew_to = self._node("Add", [self.skew_from, self._node("Mul", [self.n_new, total])])

    def _layer(self, x: str, layer: int) -> str:
        s, at = self.sizes, f"enc_layers.{layer}."
        q, k, v = self._queries_keys_values(x, at)
        padded = [self._padded(part) for part in (q, k, v)]
        heads_first = self._node("Reshape", [q, self._constant([0, 0, s.n_head, s.d_head])])
        heads_first = self._node("Transpose", [heads_first], perm=[0, 2, 1, 3])
        table = self._weight(f"{at}rga.E")
        table = self._node("Slice", [table, self.first_row, self._constant([s.max_positions]), self._constant([0])])
        flat_q = self._node("Reshape", [heads_first, self._constant([-1, s.d_head])])
        bias = self._node("Gemm", [flat_q, table], transB=1, alpha=1.0 / math.sqrt(s.d_head))
        bias = self._node("Reshape", [bias, self.wide])
        # the skew, as in `midi_emotion_torch.relative_logits`
        bias = self._node("Pad", [bias, self._constant([0, 0, 0, 0, 0, 0, 0, 1])])
        bias = self._node("Reshape", [bias, self.flat])
        bias = self._node("Slice", [bias, self.skew_from, self.skew_to, self._constant([2])])
        bias = self._node("Reshape", [bias, self.wide])
        attended = self._node(
            "GroupQueryAttention",
            [*padded, f"keys_{layer}", f"values_{layer}", "last", "total", "", "", "", bias],
            outputs=[f"attended_{layer}", f"new_keys_{layer}", f"new_values_{layer}"],
            domain=_MICROSOFT,
            num_heads=s.n_head,
            kv_num_heads=s.n_head,
            scale=1.0 / math.sqrt(s.d_head),
        )
        attended = self._unpadded(attended)
        x = self._add_norm(x, self._linear(attended, f"{at}rga.fc"), f"{at}layernorm1")
        hidden = self._node("Relu", [self._linear(x, f"{at}FFN_pre")])
        return self._add_norm(x, self._linear(hidden, f"{at}FFN_suf"), f"{at}layernorm2")

    def _padded(self, x: str) -> str:
        """(B, T, D) with each head's width brought to a multiple of 8 by zeros, which onnxruntime's attention asks for."""
        s, more = self.sizes, memory_width(self.sizes) - self.sizes.d_head
        if not more:
            return x
        x = self._node("Reshape", [x, self._constant([0, 0, s.n_head, s.d_head])])
        x = self._node("Pad", [x, self._constant([0, 0, 0, 0, 0, 0, 0, more])])
        return self._node("Reshape", [x, self._constant([0, 0, -1])])

    def _unpadded(self, x: str) -> str:
        s, width = self.sizes, memory_width(self.sizes)
        if width == s.d_head:
            return x
        x = self._node("Reshape", [x, self._constant([0, 0, s.n_head, width])])
        x = self._slice(x, [0], [s.d_head], axis=3)
        return self._node("Reshape", [x, self._constant([0, 0, -1])])

    def _add_norm(self, x: str, y: str, name: str) -> str:
        inputs = [x, y, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self._node("SkipLayerNormalization", inputs, domain=_MICROSOFT, epsilon=_EPSILON)

    def _linear(self, x: str, name: str, *, out: str | None = None) -> str:
        """x (..., K) times a weight (N, K), plus its bias: (..., N)."""
        outputs = [out] if out else None
        bias = self._weight(f"{name}.bias")
        if self.precision == "float32":
            product = self._node("MatMul", [x, self._transposed(f"{name}.weight")])
            return self._node("Add", [product, bias], outputs=outputs)
        product = self._int8_product(x, self.weights[f"{name}.weight"], name)
        return self._node("Add", [product, bias], outputs=outputs)

    def _queries_keys_values(self, x: str, at: str) -> list[str]:
        """Three linear layers on one input; as int8 they are one product, which rounds its input once."""
        names = [f"{at}rga.W{name}" for name in "qkv"]
        if self.precision == "float32":
            return [self._linear(x, name) for name in names]
        weight = np.concatenate([self.weights[f"{name}.weight"] for name in names])
        bias = np.concatenate([self.weights[f"{name}.bias"] for name in names])
        product = self._int8_product(x, weight, f"{at}rga.Wqkv")
        product = self._node("Add", [product, self._constant(bias, name=f"{at}rga.Wqkv.bias")])
        outputs = [f"{at}rga.{name}" for name in "qkv"]
        self._node("Split", [product, self._constant([len(bias) // 3] * 3)], outputs=outputs, axis=-1)
        return outputs

    def _int8_product(self, x: str, weight: np.ndarray, name: str) -> str:
        """x (..., K) times weight (N, K) rounded to int8 by blocks: (..., N)."""
        packed, scales = quantize_rows(weight, BLOCK)
        inputs = [x, self._constant(packed, name=f"{name}.int8"), self._constant(scales, name=f"{name}.scales")]
        n, k = weight.shape
        sizes = {"K": k, "N": n, "bits": _BITS, "block_size": BLOCK, "accuracy_level": _INT8_INPUTS}
        return self._node("MatMulNBits", inputs, domain=_MICROSOFT, **sizes)

    def _exact_linear(self, x: str, name: str) -> str:
        return self._node("Gemm", [x, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")], transB=1)

    # -- small things ----------------------------------------------------------------------------------------------

    def _node(
        self, kind: str, inputs: list[str], *, outputs: list[str] | None = None, domain: str = "", **attributes
    ) -> str:
        from onnx import helper

        outputs = outputs or [f"t{len(self.nodes)}"]
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def _slice(self, x: str, begin: list[int], end: list[int], *, axis: int) -> str:
        return self._node("Slice", [x, self._constant(begin), self._constant(end), self._constant([axis])])

    def _unsqueeze(self, x: str, *, axis: int) -> str:
        return self._node("Unsqueeze", [x, self._constant([axis])])

    def _squeeze(self, x: str, *, axis: int) -> str:
        return self._node("Squeeze", [x, self._constant([axis])])

    def _constant(self, value: Any, *, name: str | None = None) -> str:
        from onnx import numpy_helper

        array = np.asarray(value)
        if array.dtype.kind == "i" and array.dtype != np.uint8:
            array = array.astype(np.int64)
        name = name or f"c{array.dtype}{array.tolist()}".replace(" ", "")
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(array, name)
        return name

    def _transposed(self, name: str) -> str:
        """(K, N) of a stored weight (N, K); onnxruntime folds the transposition when it loads the graph."""
        return self._node("Transpose", [self._weight(name)], perm=[1, 0])

    def _weight(self, name: str) -> str:
        """A float32 tensor of the checkpoint under its own name: outside the graph for float32, inside it for int8."""
        from onnx import TensorProto

        if name in self.initializers:
            return name
        if self.precision == "int8":
            return self._constant(np.ascontiguousarray(self.weights[name]), name=name)
        entry = self.weights.entries[name]
        begin, end = entry["data_offsets"]
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=entry["shape"])
        tensor.data_location = TensorProto.EXTERNAL
        where = {"location": self.weights.path.name, "offset": self.weights.start + begin, "length": end - begin}
        for key, value in where.items():
            row = tensor.external_data.add()
            row.key, row.value = key, str(value)
        self.initializers[name] = tensor
        return name
