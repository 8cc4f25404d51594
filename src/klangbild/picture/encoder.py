"""Our picture encoders at run time: onnxruntime, no torch.

The whole picture is squashed to the square that the encoder looks at (its file says which). `look` turns it so that its lighter half
is on the left, and so says the same of a picture and its mirror image; `embed` averages both ways round. EfficientNet-Lite2 reads
emotion, beside a smaller one of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from klangbild.errors import NotAvailableError
from klangbild.picture.picture import Picture
from klangbild.picture.view import square_view
from klangbild.shipped import open_session, weights_folder

_SIDE = 128


@dataclass(frozen=True)
class Look:
    """What an encoder sees of n pictures, each with its lighter half on the left: the same of its mirror image.

    embedding float32 (n, d). surface (n, t): means and deviations of its finer stages over the picture, which tell how it is
    made; (n, 0) of an encoder that gives none. words (n, w): log odds of each of the encoder's `words`.
    """

    embedding: np.ndarray
    surface: np.ndarray
    words: np.ndarray


class PictureEncoder:
    """An encoder file (.onnx): input "rgb" uint8 (n, s, s, 3); output "embedding" (n, d), and any of "surface" (n, t), "words"
    (n, w). Its properties may name "blocks" (widths of the embedding's parts) "words" (one a line) and "said_from" (the probability
    from which each is said).
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if not path.is_file():
            raise NotAvailableError(f"{path}: there is no such picture encoder; see `klangbild models list`")
        try:  # one thread: the same bytes on every machine
            self._session = open_session(path)
        except Exception as error:  # onnxruntime raises its own kinds for every damaged file
            first = str(error).splitlines()[0]
            raise NotAvailableError(f"{path}: is not a picture encoder ({first}); install it again") from error
        self._outputs = {output.name for output in self._session.get_outputs()}
        side = self._session.get_inputs()[0].shape[1]
        self.side = side if isinstance(side, int) else _SIDE
        told = self._session.get_modelmeta().custom_metadata_map
        width = next(output.shape[1] for output in self._session.get_outputs() if output.name == "embedding")
        self.blocks = tuple(int(part) for part in told.get("blocks", str(width)).split(","))
        self.words = tuple(told["words"].splitlines()) if "words" in self._outputs else ()
        self.said_from = np.array([float(p) for p in told.get("said_from", "").split()] or [1.0] * len(self.words))

    @property
    def sees_surface(self) -> bool:
        """Whether `look` says anything of the surface."""
        return "surface" in self._outputs

    def embed(self, pictures: Sequence[Picture]) -> np.ndarray:
        """Pictures -> float32 (n, d), the mean of the picture's and its mirror image's."""
        views = np.stack([square_view(picture, self.side) for picture in pictures])
        both = np.concatenate([views, views[:, :, ::-1]])
        whole = np.concatenate([self._session.run(["embedding"], {"rgb": part})[0] for part in _parts(both)])
        return (whole[: len(views)] + whole[len(views) :]) / 2

    def look(self, pictures: Sequence[Picture]) -> Look:
        """Look at pictures, once each."""
        views = np.stack([turned(square_view(picture, self.side)) for picture in pictures])
        names = ["embedding", *(name for name in ("surface", "words") if name in self._outputs)]
        parts = [self._session.run(names, {"rgb": part}) for part in _parts(views)]
        found = {name: np.concatenate([part[index] for part in parts]) for index, name in enumerate(names)}
        none = np.zeros((len(views), 0), np.float32)
        return Look(found["embedding"], found.get("surface", none), found.get("words", none))


@lru_cache(maxsize=4)
def open_encoder(path: str | Path) -> PictureEncoder:
    """An encoder file, opened once."""
    return PictureEncoder(path)


def shipped_encoder() -> Path:
    """The file of the encoder that reads emotion, kind and content."""
    return weights_folder() / "picture-encoder.onnx"


def small_encoder() -> Path:
    """The file of the small encoder, which reads emotion beside the other."""
    return weights_folder() / "picture-encoder-small.onnx"


def turned(view: np.ndarray) -> np.ndarray:
    """A view (height, width, 3) with its lighter half on the left: itself or its mirror image."""
    half = view.shape[1] // 2
    left, right = (int(part.sum(dtype=np.int64)) for part in (view[:, :half], view[:, -half:]))
    return view[:, ::-1] if left < right else view


def _parts(views: np.ndarray, size: int = 16) -> list[np.ndarray]:
    return [np.ascontiguousarray(views[start : start + size]) for start in range(0, len(views), size)]
