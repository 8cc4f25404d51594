"""Small copies of the pictures, found again by the hash that the records keep."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from klangbild.errors import KlangbildError
from klangbild.gallery.exhibits import Exhibit
from klangbild.whole_files import atomic_write

EDGE = 480
"""Pixels of the longer edge."""


def make_thumbnails(exhibits: Iterable[Exhibit], pictures: Iterable[Path], folder: Path) -> dict[str, str]:
    """Write one JPEG for each picture that is found under `pictures` (folders or files) -> {sha256: file name in `folder`}.

    Candidates are found by name and believed by their hash; a thumbnail that is there is kept.
    """
    from klangbild.picture.load import load_picture

    wanted: dict[str, set[str]] = {}
    for exhibit in exhibits:
        if (picture := exhibit.record.picture) is not None:
            wanted.setdefault(picture.name, set()).add(picture.sha256)
    made: dict[str, str] = {}
    for path in _files(pictures):
        shas = wanted.get(path.stem, set()) - made.keys()
        if not shas:
            continue
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        if sha not in shas:
            continue
        name = f"{sha[:16]}.jpg"
        if not (folder / name).is_file():
            try:
                atomic_write(folder / name, _jpeg(load_picture(path).rgb))
            except KlangbildError:
                continue
        made[sha] = name
    return made


def _files(places: Iterable[Path]) -> Iterable[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(path for path in place.rglob("*") if path.is_file())
        elif place.is_file():
            yield place


def _jpeg(rgb: np.ndarray) -> bytes:
    """rgb (height, width, 3) uint8."""
    from io import BytesIO

    from PIL import Image

    small = Image.fromarray(rgb)
    small.thumbnail((EDGE, EDGE))
    file = BytesIO()
    small.save(file, "JPEG", quality=82)
    return file.getvalue()
