"""The trained encoder as files: float16 weights to train on from, and an ONNX graph for run time.

The graph is written by hand: batch norms folded into their convolutions, weights as int8 with a scale per output channel
(they are turned back into float32 when the graph is loaded, so speed and activations stay those of float32).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from klangbild.emotion.training.encoder_torch import (
    CENTER,
    SIDE,
    SPREAD,
    EncoderNetwork,
    EncoderSizes,
    Residual,
    Student,
)
from klangbild.errors import InputError, NotAvailableError
from klangbild.whole_files import atomic_write


def averaged_student(checkpoint: dict) -> Student:
    """The student of a training checkpoint, with the averaged weights, ready to be looked with."""
    sizes = EncoderSizes(**{k: tuple(v) if isinstance(v, list) else v for k, v in checkpoint["sizes"].items()})
    student = Student(sizes)
    student.load_state_dict(checkpoint["model"])
    student.load_state_dict(checkpoint["average"]["weights"], strict=False)
    return student.eval()


def save_student(student: Student, path: str | Path, *, about: dict[str, str]) -> Path:
    """Weights as float16 safetensors; `about` goes into its metadata, with the sizes."""
    from safetensors.torch import save

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {n: (t.half() if t.is_floating_point() else t).contiguous() for n, t in student.state_dict().items()}
    about = {**about, "sizes": json.dumps(student.encoder.sizes.as_dict())}
    return atomic_write(path, save(tensors, metadata=about), durable=True)


def load_student(path: str | Path) -> Student:
    """From `save_student`'s file. Raises NotAvailableError: it is not there. InputError: it is damaged, or something else."""
    from safetensors import safe_open

    if not Path(path).is_file():
        raise NotAvailableError(f"{path}: there is no trained encoder; run 'klangbild train picture'")
    try:
        with safe_open(str(path), framework="pt") as file:
            sizes = json.loads(file.metadata()["sizes"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        student = Student(EncoderSizes(**{k: tuple(v) if isinstance(v, list) else v for k, v in sizes.items()}))
        student.load_state_dict({n: t.float() if t.is_floating_point() else t for n, t in tensors.items()})
    except Exception as error:  # noqa: BLE001 - safetensors, json and torch have kinds of their own
        first = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: does not hold a picture encoder of ours ({first}); take another copy") from None
    return student.eval()


def student_history(path: str | Path) -> dict[str, float]:
    """Steps, pictures and minutes that the weights of `save_student`'s file have behind them, earlier runs included."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        about = file.metadata()
    return {"steps": int(about["step"]), "pictures": int(about["pictures"]), "minutes": float(about["minutes"])}


def export_encoder(encoder: EncoderNetwork, path: str | Path) -> Path:
    """Write the ONNX file; see `klangbild.picture.encoder.PictureEncoder` for its inputs and outputs."""
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph()
    graph.node("Transpose", ["rgb"], "planes_u8", perm=[0, 3, 1, 2])
    graph.node("Cast", ["planes_u8"], "planes", to=TensorProto.FLOAT)
    graph.constant("gain", np.float32(1 / 255 / SPREAD))
    graph.constant("offset", np.float32(-CENTER / SPREAD))
    graph.node("Mul", ["planes", "gain"], "scaled")
    x = graph.node("Add", ["scaled", "offset"], "input")
    for number, level in enumerate(encoder.levels, start=1):
        x = graph.node("Relu", [graph.conv(x, level[0], level[1], f"l{number}")], f"l{number}_relu")
        for index, block in enumerate(level[3:]):
            name = f"l{number}b{index}"
            assert isinstance(block, Residual)
            inner = graph.node("Relu", [graph.conv(x, block.one, block.norm_one, f"{name}one")], f"{name}mid")
            inner = graph.conv(inner, block.two, block.norm_two, f"{name}two")
            x = graph.node("Relu", [graph.node("Add", [x, inner], f"{name}sum")], f"{name}out")
        x = graph.node("Identity", [x], f"level{number}")
    top = graph.node("Relu", [graph.conv(x, encoder.top[0], encoder.top[1], "top")], "top_relu")
    graph.constant("axes", np.array([2, 3], np.int64))
    graph.node("ReduceMean", [top, "axes"], "embedding", keepdims=0)
    widths = encoder.sizes.widths
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", encoder.sizes.embedding])]
    for number, width in enumerate(widths, start=1):
        side = SIDE // 4 // 2 ** (number - 1)
        outputs.append(helper.make_tensor_value_info(f"level{number}", TensorProto.FLOAT, ["n", width, side, side]))
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "picture_encoder",
            [helper.make_tensor_value_info("rgb", TensorProto.UINT8, ["n", SIDE, SIDE, 3])], outputs, graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="klangbild",
    )  # fmt: skip
    onnx.checker.check_model(model)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return atomic_write(path, model.SerializeToString(deterministic=True))


class _Graph:
    """Nodes and initializers of an ONNX graph in the making."""

    def __init__(self) -> None:
        self.nodes: list = []
        self.initializers: list = []

    def node(self, kind: str, inputs: list[str], output: str, **attributes) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"make_{output}", **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def conv(self, x: str, conv: nn.Conv2d, norm: nn.BatchNorm2d, name: str) -> str:
        """A convolution with its batch norm folded in and its weights as int8 times a scale per output channel."""
        from onnx import TensorProto

        with torch.no_grad():
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight = (conv.weight * gain[:, None, None, None]).float().cpu().numpy()
            bias = (norm.bias - norm.running_mean * gain).float().cpu().numpy()
        scale = np.maximum(np.abs(weight).max(axis=(1, 2, 3), keepdims=True), 1e-8) / 127
        self.constant(f"{name}_w8", np.round(weight / scale).astype(np.int8))
        self.constant(f"{name}_s", scale.astype(np.float32))
        self.constant(f"{name}_b", bias)
        self.node("Cast", [f"{name}_w8"], f"{name}_wf", to=TensorProto.FLOAT)
        self.node("Mul", [f"{name}_wf", f"{name}_s"], f"{name}_w")
        return self.node(
            "Conv", [x, f"{name}_w", f"{name}_b"], f"{name}_out", kernel_shape=list(conv.kernel_size),
            strides=list(conv.stride), pads=[*conv.padding, *conv.padding],
        )  # fmt: skip


def export_checkpoint(checkpoint: Path, out: Path, *, weights_out: Path | None = None) -> list[Path]:
    """A training checkpoint -> `picture-encoder.onnx` and its card in `out`, `picture.safetensors` in `weights_out`."""
    from klangbild.training.checkpoint import load_checkpoint

    state = load_checkpoint(checkpoint)
    student = averaged_student(state)
    before = state.get("before") or {"steps": 0, "pictures": 0, "minutes": 0.0}
    steps, pictures = state["step"] + before["steps"], state["pictures"] + before["pictures"]
    minutes = state["minutes"] + before["minutes"]
    about = {"step": str(steps), "pictures": str(pictures), "minutes": f"{minutes:.1f}"}
    written = [export_encoder(student.encoder, out / "picture-encoder.onnx")]
    card = {
        "name": "picture-encoder",
        "task": "picture (squashed to 128 x 128) to a 384-d embedding and feature maps of four levels",
        "weights": sum(p.numel() for p in student.encoder.parameters()),
        "data": "distilled from an ImageNet MobileNetV2 (Apache-2.0, not shipped) on 5,483 WikiArt paintings, 1,000 ImageNet "
        "and 8,225 Tiny-ImageNet photographs (ImageNet terms, WikiArt terms); no rated picture, and none that looks like one",
        "licence": "CC BY-NC-SA 4.0",
        "split": "4 % of the pictures held out, seed 0",
        "steps": steps,
        "pictures_seen": pictures,
        "minutes_of_wall_clock": round(minutes, 1),
        "held_out_r2_of_teacher_summary": {k: round(v, 3) for k, v in state.get("held", {}).items()},
        "command": "klangbild train picture --config configs/picture.toml; klangbild train export picture",
    }
    path = out / "picture-encoder.json"
    atomic_write(path, (json.dumps(card, indent=2) + "\n").encode())
    written.append(path)
    if weights_out is not None:
        written.append(save_student(student, weights_out / "picture.safetensors", about=about))
    return written
