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
from klangbild.shipped import open_session

SIDE = 128
LEVELS = ("level1", "level2", "level3", "level4")
SURFACE_LEVELS = LEVELS[:3]
"""The finer levels tell strokes from grain; the fourth, which sees what is shown, did not help to tell paintings."""


class PictureEncoder:
    """An encoder file (.onnx): input "rgb" uint8 (n, 128, 128, 3); outputs "embedding" (n, d) and `LEVELS` (n, c, s, s)."""

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if not path.is_file():
            raise NotAvailableError(f"{path}: there is no such picture encoder; see `klangbild models list`")
        try:  # one thread: the same bytes on every machine, and 2 ms a picture need no more
            self._session = open_session(path)
        except Exception as error:  # onnxruntime raises its own kinds for every damaged file
            first = str(error).splitlines()[0]
            raise NotAvailableError(f"{path}: is not a picture encoder ({first}); install it again") from error
        self._outputs = {output.name for output in self._session.get_outputs()}

    @property
    def sees_surface(self) -> bool:
        """Whether `look` says anything of the surface."""
        return bool(self._outputs & set(SURFACE_LEVELS))

    def embed(self, pictures: Sequence[Picture]) -> np.ndarray:
        """Pictures -> float32 (n, d), the mean of the picture's and its mirror image's."""
        views = np.stack([square_view(picture, SIDE) for picture in pictures])
        both = np.concatenate([views, views[:, :, ::-1]])
        found = np.concatenate([self._session.run(["embedding"], {"rgb": part})[0] for part in _parts(both)])
        return (found[: len(views)] + found[len(views) :]) / 2

    def look(self, pictures: Sequence[Picture]) -> tuple[np.ndarray, np.ndarray]:
        """Pictures -> embedding float32 (n, d) as `embed` has it, and surface (n, t): how the picture is made.

        Surface: mean and deviation of each channel of `SURFACE_LEVELS` over the picture, the mean of the picture's and of
        its mirror image's; (n, 0) of an encoder that has no levels.
        """
        views = np.stack([square_view(picture, SIDE) for picture in pictures])
        both = np.concatenate([views, views[:, :, ::-1]])
        names = ["embedding", *(name for name in SURFACE_LEVELS if name in self._outputs)]
        found, surfaces = [], []
        for part in _parts(both):
            embedding, *levels = self._session.run(names, {"rgb": part})
            found.append(embedding)
            parts = [np.concatenate([m.mean(axis=(2, 3)), m.std(axis=(2, 3))], axis=1) for m in levels]
            surfaces.append(np.concatenate(parts, axis=1) if parts else np.zeros((len(part), 0), np.float32))
        embeddings, surface = np.concatenate(found), np.concatenate(surfaces)
        half = len(views)
        return (embeddings[:half] + embeddings[half:]) / 2, (surface[:half] + surface[half:]) / 2

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
