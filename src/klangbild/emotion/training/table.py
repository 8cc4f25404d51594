"""Rated pictures as arrays, ready to be fitted: looked at once, standardized on training pictures only."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.emotion.predict import PictureInputs, Reader, look_at, open_reader
from klangbild.emotion.training.data.own_ratings import MIN_RATED, own_pictures, own_ratings
from klangbild.emotion.training.data.pictures import ALIKE, RATED, gray16, rated_pictures, read_set
from klangbild.emotion.training.data.titled_paintings import SET as TITLED_SET
from klangbild.emotion.training.data.titled_paintings import titled_paintings
from klangbild.emotion.training.fit_gate import KindPictures, kind_pictures
from klangbild.emotion.training.fit_titles import Titled
from klangbild.errors import InputError
from klangbild.picture.features import FEATURE_NAMES
from klangbild.whole_files import atomic_npz

FEATURES_SHARE, FIRST_SHARE, SECOND_SHARE = 0.2, 0.9, 0.5
"""How much of the kernel's trace the features and the encoders have: an embedding carries more than the features do."""


Blocks = tuple[tuple[int, float], ...]
"""The parts of an embedding: how wide each is, and its share of the kernel."""


@dataclass(frozen=True)
class Table:
    """Rated pictures: inputs (n, d), y (n, 2) on -1..1, kind (n,) 0 photo 1 painting, group (n,); blocks: see `fit_standard`."""

    inputs: np.ndarray
    y: np.ndarray
    kind: np.ndarray
    group: np.ndarray
    blocks: Blocks = ()

    def rows(self, chosen: np.ndarray) -> Table:
        """The same for some of the pictures: numbers (k,), or bool (n,)."""
        return Table(self.inputs[chosen], self.y[chosen], self.kind[chosen], self.group[chosen], self.blocks)


@dataclass(frozen=True)
class Unrated:
    """Unrated pictures for the reasons: inputs (m, d) and painting (m,) 0 or 1."""

    inputs: np.ndarray
    painting: np.ndarray


@dataclass(frozen=True)
class Standard:
    """How inputs are scaled, fitted on training pictures only: both kinds weigh alike."""

    mean: np.ndarray
    scale: np.ndarray
    weight: np.ndarray

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        return np.clip((inputs - self.mean) / self.scale, -3, 3) * self.weight


def fit_standard(inputs: np.ndarray, kind: np.ndarray, blocks: Blocks = ()) -> Standard:
    """Of inputs (n, d) and their kind (n,), per input: mean and deviation averaged over the kinds present.

    The features and the embedding's `blocks` (none: it is one) are weighted by their share of the kernel.
    """
    kinds = [inputs[kind == k] for k in np.unique(kind)]
    mean = np.mean([part.mean(axis=0) for part in kinds], axis=0)
    scale = np.maximum(np.mean([part.std(axis=0) for part in kinds], axis=0), 1e-6)
    embedded = inputs.shape[1] - len(FEATURE_NAMES)
    if not embedded:
        return Standard(mean, scale, np.ones(inputs.shape[1]))
    parts = ((len(FEATURE_NAMES), FEATURES_SHARE), *(blocks or ((embedded, FIRST_SHARE),)))
    whole = sum(share for _, share in parts)
    weight = np.concatenate([np.full(width, np.sqrt(share / whole / width)) for width, share in parts])
    return Standard(mean, scale, weight)


@dataclass(frozen=True)
class Measured:
    """What one reader saw of all sets: the rated pictures, unrated ones for the reasons, those of the gate, and titled paintings."""

    table: Table
    unrated: Unrated
    kinds: KindPictures
    titled: Titled


_SEEN = ("inputs", "other", "other_painting", "surface", "painting", "rated", "titled", "mood", "artist")


def measure_inputs(data: Path, model: str, *, cache: Path | None, most_unrated: int = 1000) -> Measured:
    """Look at every rated picture and at unrated ones with the reader of `model`; cached when a path is given.

    Raises InputError: the cache holds something else.
    """
    rated, reader = rated_pictures(data), open_reader(model)
    if cache is not None and cache.is_file():
        with np.load(cache) as stored:
            seen = {name: stored[name] for name in stored.files}
        if not set(_SEEN) <= set(seen) or seen["inputs"].shape[0] != len(rated):
            raise InputError(
                f"{cache}: was kept by another version or of other sets; remove it, or give another --cache"
            )
    else:
        seen = _seen(data, reader, most_unrated)
        if cache is not None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            atomic_npz(cache, **seen)
    kind = np.array([int(r.kind == "painting") for r in rated])
    y = np.array([(r.valence, r.arousal) for r in rated])
    return Measured(
        Table(seen["inputs"], y, kind, np.array([r.group for r in rated]), blocks_of(reader)),
        Unrated(seen["other"], seen["other_painting"]),
        KindPictures(seen["surface"], seen["painting"], seen["rated"]),
        Titled(seen["titled"], seen["mood"], seen["artist"]),
    )


def _seen(data: Path, reader: Reader, most_unrated: int) -> dict[str, np.ndarray]:
    """The arrays of `Measured` by name."""
    rated = rated_pictures(data)
    looks = [
        look_at(reader, (p for _, p in read_set(data, s, [r.file for r in rated if r.set_name == s]))) for s in RATED
    ]
    kinds = kind_pictures(data, reader, np.concatenate([look.surface for look in looks]))
    rng = np.random.default_rng(0)
    parts, labels = [], []
    for set_name, label in (("photos", 0), ("wikiart", 1)):
        with zipfile.ZipFile(data / f"{set_name}.zip") as archive:
            names = np.array(sorted(name for name in archive.namelist() if not name.endswith("/")))
        chosen = sorted(rng.permutation(names)[:most_unrated])
        parts.append(look_at(reader, (p for _, p in read_set(data, set_name, chosen))).inputs)
        labels.append(np.full(len(chosen), label))
    titled = titled_paintings(data)
    paintings = [p for _, p in read_set(data, TITLED_SET, [item.file for item in titled])]
    known = np.array(
        [gray16(p) for s in RATED for _, p in read_set(data, s, [r.file for r in rated if r.set_name == s])]
    )
    fresh = [i for i, painting in enumerate(paintings) if (known @ gray16(painting)).max() <= ALIKE]
    return {
        "inputs": np.concatenate([look.inputs for look in looks]),
        "other": np.concatenate(parts), "other_painting": np.concatenate(labels),
        "surface": kinds.surface, "painting": kinds.painting, "rated": kinds.rated,
        "titled": look_at(reader, (paintings[i] for i in fresh)).inputs,
        "mood": np.array([titled[i].mood for i in fresh]), "artist": np.array([titled[i].artist for i in fresh]),
    }  # fmt: skip


def blocks_of(reader: Reader) -> Blocks:
    """The parts of the embedding that a reader gives: those of one encoder share alike."""
    found: list[tuple[int, float]] = []
    for encoder, share in zip(reader.encoders, (FIRST_SHARE, SECOND_SHARE), strict=False):
        found += [(width, share / len(encoder.blocks)) for width in encoder.blocks]
    return tuple(found)


def own_table(path: Path, model: str, *, scale: tuple[float, float] | None) -> tuple[Table, PictureInputs]:
    """A person's ratings looked at by `model`'s reader; and what was seen of them, for the gate.

    Where the kind is not told, or one kind has fewer than `MIN_RATED` pictures, all count as one kind.
    """
    rated = own_ratings(path, scale=scale)
    reader = open_reader(model)
    looks = look_at(reader, own_pictures(rated))
    kind = np.array([int(item.kind == "painting") for item in rated])
    apart = all(item.kind for item in rated) and min(kind.sum(), len(kind) - kind.sum()) >= MIN_RATED
    y = np.array([(item.valence, item.arousal) for item in rated])
    group = np.array([item.group for item in rated])
    return Table(looks.inputs, y, kind if apart else kind * 0, group, blocks_of(reader)), looks
