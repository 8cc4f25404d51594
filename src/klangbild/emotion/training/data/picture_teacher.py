"""The teacher that our picture encoder learns from: ImageNet MobileNetV2, run by ai-edge-litert while data is prepared.

It is never shipped and never needed afterwards. Reference: Sandler et al. 2018, "MobileNetV2".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from klangbild.errors import InputError, NotAvailableError
from klangbild.picture.picture import Picture
from klangbild.picture.view import square_view

SIDE = 224
MAP_TENSOR, LOGIT_TENSOR = 171, 173
"""Tensors of the file: the last feature map (7, 7, 1280) after its ReLU6, and the 1001 logits."""


class Teacher:
    """Picture -> (map float32 (7, 7, 1280) in 0..6, logits float32 (1001,)); about 4 ms a picture on one core."""

    def __init__(self, path: str | Path, *, threads: int = 1) -> None:
        try:
            import flatbuffers
            from ai_edge_litert import schema_py_generated as schema
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise NotAvailableError("the teacher needs ai-edge-litert; run: pip install 'klangbild[train]'") from None
        path = Path(path)
        if not path.is_file():
            raise InputError(f"{path}: the teacher is not there; give --teacher mobilenet_v2_1.0_224.tflite")
        # name inner tensors as outputs, so that the fast path keeps them (preserve_all_tensors is ten times slower)
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
        model.subgraphs[0].outputs = np.array([MAP_TENSOR, LOGIT_TENSOR], np.int32)
        model.signatureDefs = None
        builder = flatbuffers.Builder(1 << 22)
        builder.Finish(model.Pack(builder), b"TFL3")
        self._runner = Interpreter(model_content=bytes(builder.Output()), num_threads=threads)
        self._runner.allocate_tensors()
        self._input = self._runner.get_input_details()[0]["index"]
        self._outputs = [(o["index"], *o["quantization"]) for o in self._runner.get_output_details()]

    def look(self, picture: Picture) -> tuple[np.ndarray, np.ndarray]:
        """The whole picture squashed to 224 x 224: map float32 (7, 7, 1280) in 0..6, logits float32 (1001,)."""
        self._runner.set_tensor(self._input, square_view(picture, SIDE)[None])
        self._runner.invoke()
        feature_map, logits = (
            (self._runner.get_tensor(index).astype(np.float32) - zero) * scale for index, scale, zero in self._outputs
        )
        return feature_map[0], logits.reshape(-1)
