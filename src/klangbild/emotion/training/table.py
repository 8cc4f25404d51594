"""Rated pictures as arrays, ready to be fitted: looked at once, standardized on training pictures only."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.emotion.predict import PictureInputs, look_at, open_reader
from klangbild.emotion.training.data.own_ratings import MIN_RATED, own_pictures, own_ratings
from klangbild.emotion.training.data.pictures import RATED, rated_pictures, read_set
from klangbild.emotion.training.fit_gate import KindPictures, kind_pictures
from klangbild.picture.features import FEATURE_NAMES
from klangbild.whole_files import atomic_npz

# an encoder's embedding carries more than the features do: its share of the kernel's trace
EMBEDDING_SHARE = 0.9


@dataclass(frozen=True)
class Table:
    """Rated pictures: inputs (n, d), y (n, 2) on -1..1, kind (n,) 0 photo 1 painting, group (n,); blocks: see `fit_standard`."""

    inputs: np.ndarray
    y: np.ndarray
    kind: np.ndarray
    group: np.ndarray
    blocks: tuple[int, ...] = ()

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


def fit_standard(inputs: np.ndarray, kind: np.ndarray, blocks: tuple[int, ...] = ()) -> Standard:
    """Of inputs (n, d) and their kind (n,), per input: mean and deviation averaged over the kinds present.

    The features and the embedding are weighted by their share of the kernel, and within the embedding its `blocks` (widths that
    sum to its own) share alike; none: it is one.
    """
    kinds = [inputs[kind == k] for k in np.unique(kind)]
    mean = np.mean([part.mean(axis=0) for part in kinds], axis=0)
    scale = np.maximum(np.mean([part.std(axis=0) for part in kinds], axis=0), 1e-6)
    features, embedded = len(FEATURE_NAMES), inputs.shape[1] - len(FEATURE_NAMES)
    weight = np.ones(inputs.shape[1])
    if embedded:
        weight[:features] = np.sqrt((1 - EMBEDDING_SHARE) / features)
        parts = np.array(blocks or (embedded,))
        weight[features:] = np.repeat(np.sqrt(EMBEDDING_SHARE / len(parts) / parts), parts)
    return Standard(mean, scale, weight)


def measure_inputs(
    data: Path, model: str, *, cache: Path | None, most_unrated: int = 1000
) -> tuple[Table, Unrated, KindPictures]:
    """Look at every rated picture and at unrated ones with the reader of `model`; cached when a path is given."""
    rated = rated_pictures(data)
    kind = np.array([int(r.kind == "painting") for r in rated])
    if cache is not None and cache.is_file():
        with np.load(cache) as stored:
            inputs, unrated = stored["inputs"], Unrated(stored["other"], stored["other_painting"])
            kinds = KindPictures(stored["surface"], stored["painting"], stored["rated"])
    else:
        reader = open_reader(model)
        looks = [
            look_at(reader, (p for _, p in read_set(data, s, [r.file for r in rated if r.set_name == s])))
            for s in RATED
        ]
        inputs = np.concatenate([look.inputs for look in looks])
        kinds = kind_pictures(data, reader, np.concatenate([look.surface for look in looks]))
        rng = np.random.default_rng(0)
        parts, labels = [], []
        for set_name, label in (("photos", 0), ("wikiart", 1)):
            with zipfile.ZipFile(data / f"{set_name}.zip") as archive:
                names = np.array(sorted(name for name in archive.namelist() if not name.endswith("/")))
            chosen = sorted(rng.permutation(names)[:most_unrated])
            parts.append(look_at(reader, (p for _, p in read_set(data, set_name, chosen))).inputs)
            labels.append(np.full(len(chosen), label))
        unrated = Unrated(np.concatenate(parts), np.concatenate(labels))
        if cache is not None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            atomic_npz(
                cache, inputs=inputs, other=unrated.inputs, other_painting=unrated.painting, surface=kinds.surface,
                painting=kinds.painting, rated=kinds.rated,
            )  # fmt: skip
    y = np.array([(r.valence, r.arousal) for r in rated])
    return Table(inputs, y, kind, np.array([r.group for r in rated]), blocks_of(model)), unrated, kinds


def blocks_of(model: str) -> tuple[int, ...]:
    """The parts of the embedding that the reader of `model` gives."""
    encoder = open_reader(model).encoder
    return () if encoder is None else encoder.blocks


def own_table(path: Path, model: str, *, scale: tuple[float, float] | None) -> tuple[Table, PictureInputs]:
    """A person's ratings looked at by `model`'s reader; and what was seen of them, for the gate.

    Where the kind is not told, or one kind has fewer than `MIN_RATED` pictures, all count as one kind.
    """
    rated = own_ratings(path, scale=scale)
    looks = look_at(open_reader(model), own_pictures(rated))
    kind = np.array([int(item.kind == "painting") for item in rated])
    apart = all(item.kind for item in rated) and min(kind.sum(), len(kind) - kind.sum()) >= MIN_RATED
    y = np.array([(item.valence, item.arousal) for item in rated])
    group = np.array([item.group for item in rated])
    return Table(looks.inputs, y, kind if apart else kind * 0, group, blocks_of(model)), looks
