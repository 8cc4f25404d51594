"""Our picture encoder at run time: onnxruntime, no torch.

The whole picture is squashed to 128 x 128. Looked at as it is and mirrored, and averaged, it says the same of a picture and
its mirror image. The feature maps of four levels are for models that look at more than a summary.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from klangbild.errors import NotAvailableError
from klangbild.picture.picture import Picture
from klangbild.picture.view import square_view

SIDE = 128
LEVELS = ("level1", "level2", "level3", "level4")


class PictureEncoder:
    """An encoder file (.onnx): input "rgb" uint8 (n, 128, 128, 3); outputs "embedding" (n, d) and `LEVELS` (n, c, s, s)."""

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if not path.is_file():
            raise NotAvailableError(f"{path}: there is no such picture encoder; see `klangbild models list`")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # one thread: the same bytes on every machine, and 2 ms a picture need no more
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises its own kinds for every damaged file
            first = str(error).splitlines()[0]
            raise NotAvailableError(f"{path}: is not a picture encoder ({first}); install it again") from error

    def embed(self, pictures: Sequence[Picture]) -> np.ndarray:
        """Pictures -> float32 (n, d), the mean of the picture's and its mirror image's."""
        views = np.stack([square_view(picture, SIDE) for picture in pictures])
        both = np.concatenate([views, views[:, :, ::-1]])
        found = np.concatenate([self._session.run(["embedding"], {"rgb": part})[0] for part in _parts(both)])
        return (found[: len(views)] + found[len(views) :]) / 2

    def maps(self, pictures: Sequence[Picture]) -> dict[str, np.ndarray]:
        """Pictures -> {"embedding": (n, d), "level1": (n, 32, 32, 32), ... "level4": (n, 192, 4, 4)}, not mirrored."""
        views = np.stack([square_view(picture, SIDE) for picture in pictures])
        names = ["embedding", *LEVELS]
        parts = [self._session.run(names, {"rgb": part}) for part in _parts(views)]
        return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(names)}


@lru_cache(maxsize=2)
def open_encoder(path: str | Path) -> PictureEncoder:
    """An encoder file, opened once."""
    return PictureEncoder(path)


def _parts(views: np.ndarray, size: int = 16) -> list[np.ndarray]:
    return [np.ascontiguousarray(views[start : start + size]) for start in range(0, len(views), size)]
