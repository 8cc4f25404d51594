"""`klangbild data prepare pictures`: the raw sets and the teacher become one file that the encoder trains from.

The file holds small WebP pictures and compact teacher targets, no picture that was rated, and none that looks like one
(correlation of 16 x 16 grays above 0.95), so that rated pictures stay clean for evaluation. Of the rated pictures only
the teacher's view and the ratings are kept: the pseudo-label term of the loss needs them.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from klangbild.emotion.training.data.picture_teacher import Teacher
from klangbild.emotion.training.data.pictures import UNRATED, rated_pictures, read_set
from klangbild.picture.picture import Picture
from klangbild.picture.view import square_view
from klangbild.whole_files import atomic_npz

ALIKE = 0.95
QUADRANT_DIMS, POOLED_DIMS = 96, 256
SET_SIDES = {"wikiart": 128, "photos": 128, "photos64": 64}
MAX_BYTES = 25_000_000
MAX_OF_SET = {"wikiart": 5_500}
"""Photographs are what the student lacks; more paintings than this did not help it in the study."""


@dataclass(frozen=True)
class PictureData:
    """A prepared file. n unrated pictures, r rated ones.

    webp (bytes joined), offsets (n + 1,): picture i is webp[offsets[i]:offsets[i + 1]]. set_index (n,) into `sets`.
    held (n,): True for the 4 % that are never trained on. quadrants int8 (n, 4, 96), pooled int8 (n, 256): teacher
    targets, scaled principal components times `TARGET_SCALE` (top left, top right, bottom left, bottom right).
    logit_matrix float16 (257, 1001): pooled components (and 1) to the teacher's logits.
    rated_pooled int8 (r, 256), rated (r, 2), rated_painting (r,), rated_group (r,).
    """

    webp: np.ndarray
    offsets: np.ndarray
    sets: np.ndarray
    set_index: np.ndarray
    held: np.ndarray
    quadrants: np.ndarray
    pooled: np.ndarray
    logit_matrix: np.ndarray
    rated_pooled: np.ndarray
    rated: np.ndarray
    rated_painting: np.ndarray
    rated_group: np.ndarray

    def picture(self, index: int) -> np.ndarray:
        """uint8 (side, side, 3), side 128 or 64."""
        return np.asarray(Image.open(io.BytesIO(self.webp[self.offsets[index] : self.offsets[index + 1]].tobytes())))


TARGET_SCALE = 8.0
"""Components are kept as int8 in steps of 1/8, and the first has a standard deviation of 4: rounding hardly matters."""


def load_picture_data(path: str | Path) -> PictureData:
    """Read a prepared file; never unpickled."""
    with np.load(Path(path), allow_pickle=False) as arrays:
        return PictureData(**{name: arrays[name] for name in PictureData.__dataclass_fields__})


def prepare_pictures(
    folder: str | Path,
    teacher_file: str | Path,
    out: str | Path,
    *,
    quality: int = 30,
    seed: int = 0,
    most: dict[str, int] | None = None,
    on_progress: Callable[[str, int], None] | None = None,
) -> Path:
    """Write the prepared file to `out`; at most 25 MB, for which photos64 is cut to what fits.

    quality: of WebP. most: at most so many of a set. About four minutes on one core.
    """
    teacher = Teacher(teacher_file)
    rng = np.random.default_rng(seed)
    rated = rated_pictures(folder)
    rated_maps, rated_gray = [], []
    for set_name in ("oasis", "paintings_rated"):
        for _, picture in read_set(folder, set_name, [r.file for r in rated if r.set_name == set_name]):
            rated_maps.append(_quadrants(teacher.look(picture)[0]))
            rated_gray.append(gray16(picture))
    gray = np.array(rated_gray)
    webp, set_index, maps, logits, spent, dropped = [], [], [], [], 0, 0
    room = MAX_BYTES - 1_000_000  # the rest: the matrix and the rated pictures
    for number, set_name in enumerate(UNRATED):
        names = np.array(sorted(_names(folder, set_name)))
        names = names[rng.permutation(len(names))][: (most or MAX_OF_SET).get(set_name)]
        for _, picture in read_set(folder, set_name, list(names)):
            if (gray @ gray16(picture)).max() > ALIKE:
                dropped += 1
                continue
            small = io.BytesIO()
            Image.fromarray(square_view(picture, SET_SIDES[set_name])).save(small, "WEBP", quality=quality, method=4)
            content = small.getvalue()
            spent += len(content) + int(0.66 * (4 * QUADRANT_DIMS + POOLED_DIMS)) + 9
            if spent > room:
                break
            feature_map, logit = teacher.look(picture)
            webp.append(np.frombuffer(content, np.uint8))
            set_index.append(number)
            maps.append(_quadrants(feature_map).astype(np.float16))
            logits.append(logit.astype(np.float16))
            if on_progress is not None and len(webp) % 500 == 0:
                on_progress(set_name, len(webp))
    if on_progress is not None:
        on_progress(f"{dropped} look like rated pictures and were dropped; kept", len(webp))
    stacked = np.array(maps)
    pooled_full = stacked.astype(np.float32).mean(axis=1)
    pooled_basis = _basis(pooled_full, POOLED_DIMS)
    quadrant_basis = _basis(stacked[::2].reshape(-1, stacked.shape[2]).astype(np.float32), QUADRANT_DIMS)
    pooled = pooled_basis.coded(pooled_full)
    components = np.concatenate([pooled / TARGET_SCALE, np.ones((len(pooled), 1))], axis=1).astype(np.float32)
    all_logits = np.array(logits).astype(np.float32)
    logit_matrix = np.linalg.solve(components.T @ components + np.eye(components.shape[1]), components.T @ all_logits)
    if on_progress is not None:
        explained = (
            1 - ((components @ logit_matrix - all_logits) ** 2).sum() / ((all_logits - all_logits.mean(0)) ** 2).sum()
        )
        on_progress("percent of the logits' variance that the summary keeps", round(100 * float(explained)))
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    return atomic_npz(
        path,
        webp=np.concatenate(webp), offsets=np.cumsum([0] + [len(w) for w in webp]).astype(np.int64),
        sets=np.array(list(UNRATED)), set_index=np.array(set_index, np.int8), held=rng.random(len(webp)) < 0.04,
        quadrants=quadrant_basis.coded(stacked.reshape(-1, stacked.shape[2])).reshape(len(stacked), 4, -1), pooled=pooled,
        logit_matrix=logit_matrix.astype(np.float16),
        rated_pooled=pooled_basis.coded(np.array(rated_maps).mean(axis=1)),
        rated=np.array([(r.valence, r.arousal) for r in rated], np.float32),
        rated_painting=np.array([int(r.kind == "painting") for r in rated], np.int8),
        rated_group=np.array([r.group for r in rated]),
    )  # fmt: skip


@dataclass(frozen=True)
class _Basis:
    """Principal components of channel-standardized values, all scaled alike: a ridge on whitened ones is much worse."""

    mean: np.ndarray
    matrix: np.ndarray

    def coded(self, values: np.ndarray) -> np.ndarray:
        scaled = (values.astype(np.float32) - self.mean) @ self.matrix
        return np.clip(np.round(scaled * TARGET_SCALE), -127, 127).astype(np.int8)


def _basis(values: np.ndarray, dims: int) -> _Basis:
    """values (n, c) -> the `dims` leading components, scaled so that the first has a standard deviation of 4."""
    mean, scale = values.mean(axis=0), values.std(axis=0) + 1e-2
    z = (values - mean) / scale
    variances, vectors = np.linalg.eigh(z.T @ z / len(z))
    leading = np.argsort(-variances)[:dims]
    return _Basis(
        mean, (vectors[:, leading] * 4.0 / np.sqrt(variances[leading[0]]) / scale[:, None]).astype(np.float32)
    )


def _quadrants(feature_map: np.ndarray) -> np.ndarray:
    """(7, 7, c) -> (4, c): means of the four overlapping 4 x 4 corners; the root evens out rare, strong channels."""
    return np.sqrt([feature_map[y : y + 4, x : x + 4].mean(axis=(0, 1)) for y in (0, 3) for x in (0, 3)])


def gray16(picture: Picture) -> np.ndarray:
    """16 x 16 grays of mean 0 and length 1 -> float32 (256,)."""
    gray = square_view(picture, 16).astype(np.float32).mean(axis=2).ravel()
    gray -= gray.mean()
    return gray / max(float(np.linalg.norm(gray)), 1e-6)


def _names(folder: str | Path, set_name: str) -> list[str]:
    import zipfile

    with zipfile.ZipFile(Path(folder) / f"{set_name}.zip") as archive:
        return [name for name in archive.namelist() if not name.endswith("/")]


def main(arguments: list[str] | None = None) -> int:
    """The command line of this file; returns the exit code."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m klangbild.emotion.training.data.pictures_prepare", description=__doc__
    )
    parser.add_argument("--data", type=Path, default=Path("data/images"))
    parser.add_argument("--teacher", type=Path, default=Path("data/teacher/mobilenet_v2_1.0_224.tflite"))
    parser.add_argument("--out", type=Path, default=Path("data/prepared/pictures.npz"))
    parser.add_argument("--quality", type=int, default=30, help="of the small WebP pictures (default: 30)")
    given = parser.parse_args(arguments)
    path = prepare_pictures(
        given.data, given.teacher, given.out, quality=given.quality,
        on_progress=lambda name, count: print(f"{name}: {count}", file=sys.stderr, flush=True),
    )  # fmt: skip
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
