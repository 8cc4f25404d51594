"""Manifests: one CSV row a file, saying where it came from, what may be done with it, and which side of the split it is on."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from klangbild.errors import InputError
from klangbild.whole_files import atomic_path

TRAINED, HELD_OUT, DROPPED, LEFT_OUT = "train", "heldout", "dropped", "left out"
"""What `Row.split` may say."""


@dataclass(frozen=True)
class Row:
    """One file. `set` is the data set's name, `origin` the collection inside it, `split` train | heldout | dropped | left out.

    `note` says why a file was dropped (it cannot be used) or left out (its licence, or a wish), or how it was mended; `sha256` is of the file's bytes; `labels` says where its emotion
    comes from: "rated by people" or "pseudo: ..." with what they were fitted on. `title` and `composer` are as the set says.
    """

    file: str
    set: str
    licence: str
    origin: str
    sha256: str
    split: str
    note: str = ""
    labels: str = ""
    title: str = ""
    composer: str = ""


def sha256_of(data: bytes) -> str:
    """Hex digest of some bytes."""
    return hashlib.sha256(data).hexdigest()


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Rows, sorted by set and file -> CSV with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in sorted(rows, key=lambda r: (r.set, r.file)))


def read_manifest(path: Path) -> list[Row]:
    """CSV -> rows. Raises InputError: missing, or not a manifest."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [Row(**row) for row in csv.DictReader(file)]
    except FileNotFoundError:
        raise InputError(
            f"{path}: there is no such manifest; make it with 'klangbild data prepare notes RAW_DIR'"
        ) from None
    except TypeError as error:
        raise InputError(f"{path}: is not a manifest ({error}); make it again with 'klangbild data prepare'") from None
