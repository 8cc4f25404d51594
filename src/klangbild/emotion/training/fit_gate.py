"""Fitting the gate between paintings and photographs (`klangbild.emotion.kind`), so that it learns paint and not files.

The sets differ in more than what they show: unrated paintings are 128 pixels high, most unrated photographs 64, rated pictures
256, each compressed in its own way. So every set is looked at as it is and again at random sizes that the sets share, cut and
compressed at random, and paintings also at the 64 pixels of the small photographs. What no set holds (drawings, renders, windows, engravings) is
made here and counts as painted. Of each kind seven tenths of the weight lie on rated pictures and the rest on unrated ones. Unrated paintings that look like a rated one are left out.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from klangbild.emotion.kind import KindGate
from klangbild.emotion.predict import Reader, look_at
from klangbild.emotion.training.data.drawn_pictures import drawn_pictures
from klangbild.emotion.training.data.pictures import ALIKE, RATED, gray16, rated_pictures, read_set
from klangbild.emotion.training.ridge import fit_gate
from klangbild.picture.picture import Picture

RATED_SHARE, STRENGTH = 0.7, 100.0
"""How much of each kind's weight lies on rated pictures, and the ridge penalty. Less weight tells more drawings for what they are and
costs photographs' arousal: at .8 11 of our 12 example paintings and r .604, at .5 all 12 and .588."""
DRAWN = 1050
"""Pictures made here, seven kinds of them in turn."""


@dataclass(frozen=True)
class Looked:
    """One set looked at once: which, the short sides it is brought to (None: as it is), and how many pictures at most."""

    set_name: str
    painting: int
    sides: tuple[int, int] | None
    most: int | None = None


LOOKED = (
    Looked("oasis", 0, (80, 256)),
    Looked("paintings_rated", 1, (80, 256)),
    Looked("photos", 0, None),
    Looked("photos", 0, (70, 128)),
    Looked("photos64", 0, (50, 64), 1500),
    Looked("wikiart", 1, None, 1000),
    Looked("wikiart", 1, (70, 128), 1000),
    Looked("wikiart", 1, (50, 64), 1000),
)


@dataclass(frozen=True)
class KindPictures:
    """What the gate learns from: surface (m, t), painting (m,) 0 or 1, rated (m,): row of the rated table, or -1."""

    surface: np.ndarray
    painting: np.ndarray
    rated: np.ndarray


def kind_pictures(data: Path, reader: Reader, rated_surface: np.ndarray, *, seed: int = 6) -> KindPictures:
    """Look at `LOOKED`; rated_surface (n, t): the rated pictures as they are, which were looked at before."""
    rng = np.random.default_rng(seed)
    rated = rated_pictures(data)
    kind = np.array([int(r.kind == "painting") for r in rated])
    prints = [
        gray16(p) for s in RATED for _, p in read_set(data, s, [r.file for r in rated if r.set_name == s])
    ]  # fmt: skip
    parts = [(rated_surface, kind, np.arange(len(rated)))]
    used: dict[str, int] = {}
    for number, looked in enumerate(LOOKED):
        if looked.set_name in RATED:
            rows = np.flatnonzero([r.set_name == looked.set_name for r in rated])
            names = [rated[i].file for i in rows]
        else:
            # of a set that is looked at in parts, each part is of other pictures
            first = used.get(looked.set_name, 0) if looked.most else 0
            order = np.random.default_rng([seed, number if looked.most is None else 0]).permutation(
                _names(data, looked.set_name)
            )
            names = list(order[first : None if looked.most is None else first + looked.most])
            used[looked.set_name] = first + len(names)
            rows = np.full(len(names), -1)
        kept: list[int] = []
        pictures = _changed(data, looked, names, np.array(prints), rng, kept)
        surface = _surface(reader, pictures)
        parts.append((surface, np.full(len(kept), looked.painting), rows[kept]))
    sources = [
        picture.rgb
        for set_name, step in (("photos", 5), ("wikiart", 80))
        for _, picture in read_set(data, set_name, list(_names(data, set_name)[::step]))
    ]
    surface = _surface(reader, (picture for _, picture in drawn_pictures(sources, DRAWN)))
    parts.append((surface, np.ones(len(surface), np.int64), np.full(len(surface), -1)))
    return KindPictures(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def fit_kind_gate(pictures: KindPictures, left_out: np.ndarray) -> KindGate:
    """The gate from all pictures but those rated ones whose rows are in `left_out` (k,)."""
    kept = ~np.isin(pictures.rated, left_out)
    surface, painting = pictures.surface[kept].astype(np.float64), pictures.painting[kept]
    weight = np.zeros(len(painting))
    for kind in (0, 1):
        for is_rated in (False, True):
            inside = (painting == kind) & ((pictures.rated[kept] >= 0) == is_rated)
            share = RATED_SHARE if is_rated else 1 - RATED_SHARE
            weight[inside] = len(painting) / 2 * share / max(inside.sum(), 1)
    kinds = [(surface[painting == kind], weight[painting == kind]) for kind in (0, 1)]
    mean = np.mean([np.average(x, axis=0, weights=w) for x, w in kinds], axis=0)
    variance = np.mean([np.average((x - mean) ** 2, axis=0, weights=w) for x, w in kinds], axis=0)
    scale = np.sqrt(variance) + 1e-6
    gate = KindGate(mean, scale, np.zeros(len(mean)), np.array(0.0))
    coef, bias = fit_gate(gate.standardized(surface), painting, weight=weight, strength=STRENGTH, steps=6)
    return KindGate(mean, scale, coef, np.array(bias))


def refiled(picture: Picture, sides: tuple[int, int], rng: np.random.Generator) -> Picture:
    """The picture as another file might hold it: cut by up to a fifth, smaller, compressed."""
    image = Image.fromarray(picture.rgb)
    if rng.random() < 0.6:
        share = rng.uniform(0.8, 1.0)
        width, height = max(1, int(image.width * share)), max(1, int(image.height * share))
        left, top = rng.integers(0, image.width - width + 1), rng.integers(0, image.height - height + 1)
        image = image.crop((int(left), int(top), int(left) + width, int(top) + height))
    ratio = rng.uniform(*sides) / min(image.size)
    if ratio < 1:
        filters = (Image.Resampling.BILINEAR, Image.Resampling.LANCZOS, Image.Resampling.BICUBIC)
        size = (max(8, round(image.width * ratio)), max(8, round(image.height * ratio)))
        image = image.resize(size, filters[rng.integers(3)])
    if rng.random() < 0.8:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(rng.integers(50, 96)), subsampling=int(rng.integers(0, 3)))
        image = Image.open(file).convert("RGB")
    return Picture(np.ascontiguousarray(np.asarray(image)), picture.name, picture.sha256)


def _surface(reader: Reader, pictures: Iterator[Picture]) -> np.ndarray:
    """(m, t) as `look_at` has it, without the features where an encoder sees it."""
    if not reader.sees_surface:
        return look_at(reader, pictures).surface
    found = []
    while batch := list(islice(pictures, 32)):
        found.append(np.concatenate([encoder.look(batch).surface for encoder in reader.encoders], axis=1))
    return np.concatenate(found)


def _changed(
    data: Path, looked: Looked, names: list[str], prints: np.ndarray, rng: np.random.Generator, kept: list[int]
) -> Iterator[Picture]:
    """The pictures one by one; `kept` gets the index of each that is given."""
    for index, (_, picture) in enumerate(read_set(data, looked.set_name, names)):
        if looked.set_name == "wikiart" and (prints @ gray16(picture)).max() > ALIKE:
            continue
        kept.append(index)
        yield picture if looked.sides is None else refiled(picture, looked.sides, rng)


def _names(data: Path, set_name: str) -> np.ndarray:
    with zipfile.ZipFile(data / f"{set_name}.zip") as archive:
        return np.array(sorted(name for name in archive.namelist() if not name.endswith("/")))
