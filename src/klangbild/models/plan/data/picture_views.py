"""What our eyes see in each picture of the picture sets: the emotion it asks for, its traits, and the encoder's view of it.

Measured once and kept in one file; the pairs (`pairs.py`) are made from it. Pictures that look like a rated one are left out, and
rated ones are not read at all: they stay clean for evaluation.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path

import numpy as np

from klangbild.emotion.predict import HeadsPredictor, look_at, open_predictor
from klangbild.emotion.space import Emotion
from klangbild.emotion.training.data.pictures import ALIKE, gray16, rated_pictures, read_set
from klangbild.errors import InputError, NotAvailableError
from klangbild.picture.features import FEATURE_NAMES
from klangbild.picture.picture import Picture
from klangbild.picture.traits import traits_of
from klangbild.whole_files import atomic_path

SETS = ("wikiart", "photos")


@dataclass(frozen=True)
class PictureViews:
    """n pictures.

    name (n,): set and file. sha256 (n,) of the file's bytes. asked (n, 2): valence and arousal on the music's plane. traits (n, 6):
    places in [-1, 1] in the order of `picture.voice.TRAITS`. embedding (n, d), surface (n, t): of `picture.encoder.Look`,
    float16.
    """

    name: np.ndarray
    sha256: np.ndarray
    asked: np.ndarray
    traits: np.ndarray
    embedding: np.ndarray
    surface: np.ndarray

    def __len__(self) -> int:
        return len(self.name)

    def take(self, rows: np.ndarray) -> PictureViews:
        """Some of them by number (k,), in that order."""
        return PictureViews(*(getattr(self, f.name)[rows] for f in fields(self)))

    def save(self, path: Path) -> None:
        """Write `path` (.npz), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **{f.name: getattr(self, f.name) for f in fields(self)})

    @staticmethod
    def load(path: Path) -> PictureViews:
        """Raises InputError: missing, or not what `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as archive:
                return PictureViews(*(archive[f.name] for f in fields(PictureViews)))
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: holds no views of pictures ({error}); delete it and pair again") from None


def picture_views(
    folder: Path, *, most: int = 6000, seed: int = 0, on_progress: Callable[[str, int, int], object] | None = None
) -> PictureViews:
    """Look at up to `most` pictures of the sets in `folder`, all photographs and as many paintings as there is room for.

    Raises:
        InputError: a set is missing. NotAvailableError: the encoder or the heads are.
    """
    predictor = _predictor()
    rated = [(r.set_name, r.file) for r in rated_pictures(folder)]
    near = np.array([gray16(picture) for name in ("oasis", "paintings_rated")
                     for _, picture in read_set(folder, name, [f for s, f in rated if s == name])])  # fmt: skip
    chosen = list(_chosen(folder, most, np.random.default_rng(seed)))
    rows: list[PictureViews] = []
    done, pictures = 0, _pictures(folder, chosen)
    while batch := list(islice(pictures, 64)):
        done += len(batch)
        kept = [(name, picture) for name, picture in batch if (near @ gray16(picture)).max() <= ALIKE]
        if kept:
            rows.append(_look(predictor, kept))
        if on_progress is not None:
            on_progress("pictures", done, len(chosen))
    return PictureViews(*(np.concatenate([getattr(r, f.name) for r in rows]) for f in fields(PictureViews)))


def views_of(pictures: list[tuple[str, Picture]]) -> PictureViews:
    """The views of pictures that are in memory, each with its name."""
    return _look(_predictor(), pictures)


def _predictor() -> HeadsPredictor:
    predictor = open_predictor("klangbild")
    if not isinstance(predictor, HeadsPredictor) or not predictor.reader.encoders:
        raise NotAvailableError("views are made with our own picture encoder; install klangbild with its weights")
    return predictor


def _chosen(folder: Path, most: int, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    left = most
    for set_name in reversed(SETS):
        path = folder / f"{set_name}.zip"
        if not path.is_file():
            raise InputError(f"{path}: there is no such set; give the folder that holds the picture sets")
        with zipfile.ZipFile(path) as archive:
            names = sorted(n for n in archive.namelist() if not n.endswith("/"))
        picked = [names[i] for i in rng.permutation(len(names))[:left]]
        left -= len(picked)
        yield from ((set_name, name) for name in sorted(picked))


def _pictures(folder: Path, chosen: list[tuple[str, str]]) -> Iterator[tuple[str, Picture]]:
    for set_name in reversed(SETS):
        for name, picture in read_set(folder, set_name, [n for s, n in chosen if s == set_name]):
            yield f"{set_name}/{name}", picture


def _look(predictor: HeadsPredictor, named: list[tuple[str, Picture]]) -> PictureViews:
    pictures = [picture for _, picture in named]
    looks = look_at(predictor.reader, pictures)
    value = predictor.heads.read(looks.inputs, looks.surface).value
    asked = [predictor.plane.asked(Emotion(float(v), float(a))) for v, a in value]
    first = len(FEATURE_NAMES)
    width = sum(predictor.reader.encoders[0].blocks)
    return PictureViews(
        name=np.array([name for name, _ in named]),
        sha256=np.array([p.sha256 for p in pictures]),
        asked=np.array([(e.valence, e.arousal) for e in asked], np.float32),
        traits=np.array([traits_of(p, f).places for p, f in zip(pictures, looks.features, strict=True)], np.float32),
        embedding=looks.inputs[:, first : first + width].astype(np.float16),
        surface=looks.surface.astype(np.float16),
    )
