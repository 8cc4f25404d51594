"""The picture sets that the emotion models learn from, read from their zips: rated photographs and paintings, and unrated.

Groups keep folds honest: photographs are split by theme and paintings by artist, never by file. Ratings 1..7 become
(x - 4) / 3 in -1..1.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.picture.load import load_picture
from klangbild.picture.picture import Picture
from klangbild.picture.view import square_view

ALIKE = 0.95
"""Two pictures whose 16 x 16 grays correlate by more look alike."""
KINDS = ("photo", "painting")
RATED = {"oasis": ("photo", "theme"), "paintings_rated": ("painting", "artist")}
UNRATED = {"wikiart": "painting", "photos": "photo", "photos64": "photo"}


@dataclass(frozen=True)
class RatedPicture:
    """One rated picture: where it is, which fold group it belongs to, and its mean rating on -1..1."""

    set_name: str
    file: str
    kind: str
    group: str
    valence: float
    arousal: float


def rated_pictures(folder: str | Path) -> list[RatedPicture]:
    """All rated pictures of `folder` (oasis.csv, paintings_rated.csv), photographs first, in the order of the files.

    Raises:
        InputError: a table is missing or does not have the columns it should.
    """
    found = []
    for set_name, (kind, group) in RATED.items():
        path = Path(folder) / f"{set_name}.csv"
        if not path.is_file():
            raise InputError(f"{path}: there is no such table; give the folder that holds the picture sets")
        with path.open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table):
                try:
                    valence, arousal = ((float(row[axis]) - 4) / 3 for axis in ("valence", "arousal"))
                    found.append(RatedPicture(set_name, row["file"], kind, f"{kind}:{row[group]}", valence, arousal))
                except (KeyError, TypeError, ValueError):
                    raise InputError(
                        f"{path}: needs the columns file, {group}, valence, arousal; mend the table"
                    ) from None
    return found


def read_set(folder: str | Path, set_name: str, files: Sequence[str] | None = None) -> Iterator[tuple[str, Picture]]:
    """(file, picture) of one set in order; all members when `files` is None."""
    path = Path(folder) / f"{set_name}.zip"
    if not path.is_file():
        raise InputError(f"{path}: there is no such set; give the folder that holds the picture sets")
    with zipfile.ZipFile(path) as archive:
        names = files if files is not None else sorted(n for n in archive.namelist() if not n.endswith("/"))
        for name in names:
            yield name, load_picture(archive.read(name))


def folds_of(groups: Sequence[str], *, folds: int, rng: np.random.Generator) -> np.ndarray:
    """A fold number 0..folds-1 (n,) for each item so that no group is in two folds and folds are about equal in size."""
    names, counts = np.unique(np.asarray(groups), return_counts=True)
    order = rng.permutation(len(names))
    order = order[np.argsort(-counts[order], kind="stable")]
    fill, fold_of = np.zeros(folds), {}
    for index in order:
        fold = int(fill.argmin())
        fold_of[names[index]] = fold
        fill[fold] += counts[index]
    return np.array([fold_of[name] for name in groups])


def gray16(picture: Picture) -> np.ndarray:
    """16 x 16 grays of mean 0 and length 1 -> float32 (256,)."""
    gray = square_view(picture, 16).astype(np.float32).mean(axis=2).ravel()
    gray -= gray.mean()
    return gray / max(float(np.linalg.norm(gray)), 1e-6)
