"""The raw sets of MIDI files: zips with a CSV beside them, or plain folders of a user's own files.

A raw folder holds `NAME.zip` (members named in the `file` column of `NAME.csv`), or folders `NAME/` of .mid files, nested
as one likes, with an optional `NAME.csv`, or loose .mid files (set "mine", `mine.csv`). Known CSV columns, all but `file` optional: `licence`, `source`,
`split` (train | val | test), `valence` and `arousal` (human labels, -1..1), `valence_mean` and `arousal_mean` (the same,
VGMIDI's names), `quadrant` (1..4, EMOPIA's), `title` (or `name`) and `composer`.
"""

from __future__ import annotations

import csv
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from klangbild.errors import InputError
from klangbild.music.midi_plain import MAX_BYTES, MIDI_ENDINGS

# What the README of a set says where its CSV has no licence column.
_SET_LICENCES = {"emopia": "CC BY-NC-SA 4.0", "vgmidi": "unstated"}
LOOSE = "mine"
"""The set of files that lie in the raw folder itself."""


@dataclass(frozen=True)
class RawFile:
    """One MIDI file as it lies there, with what its set says of it. Labels are None where there are none."""

    set: str
    file: str
    data: bytes
    licence: str
    origin: str
    split: str | None = None
    valence: float | None = None
    arousal: float | None = None
    quadrant: int | None = None
    title: str = ""
    composer: str = ""

    @property
    def name(self) -> str:
        """ "set/file": unique, and what the held-out list names."""
        return f"{self.set}/{self.file}"


def _number(row: dict[str, str], low: float, high: float, *columns: str) -> float | None:
    for column in columns:
        if row.get(column):
            try:
                value = float(row[column])
            except ValueError:
                value = float("nan")
            if not low <= value <= high:
                raise InputError(
                    f"{row['file']}: its CSV says {column} {row[column]!r}; write a number from {low:g} to {high:g}"
                )
            return value
    return None


def _labelled(name: str, file: str, data: bytes, row: dict[str, str]) -> RawFile:
    quadrant = _number(row, 1, 4, "quadrant")
    return RawFile(
        set=name,
        file=file,
        data=data,
        licence=row.get("licence") or _SET_LICENCES.get(name, "unstated"),
        origin=row.get("source") or name,
        split=row.get("split") or None,
        valence=_number(row, -1, 1, "valence", "valence_mean"),
        arousal=_number(row, -1, 1, "arousal", "arousal_mean"),
        quadrant=int(quadrant) if quadrant else None,
        title=(row.get("title") or row.get("name") or "").strip(),
        composer=(row.get("composer") or "").strip(),
    )


def _rows(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not a CSV in UTF-8 ({error}); save it as one") from None
    if rows and "file" not in rows[0]:
        raise InputError(f"{path}: has no 'file' column; add one that names each MIDI file")
    return {row["file"]: row for row in rows}


def read_sets(raw_dir: Path) -> Iterator[RawFile]:
    """Every MIDI file below a raw folder, set by set and file by file in the order of their names.

    Raises:
        InputError: the folder is missing or holds no MIDI; a zip lacks a file that its CSV names.
    """
    if not raw_dir.is_dir():
        raise InputError(f"{raw_dir}: there is no such folder; give the folder that holds the MIDI sets")
    found = False
    for path in sorted(raw_dir.iterdir()):
        if path.suffix == ".zip":
            source = _zipped(path)
        elif path.is_dir():
            source = _folder(path)
        elif path.suffix.lower() in MIDI_ENDINGS:
            row = _rows(raw_dir / f"{LOOSE}.csv").get(path.name, {})
            source = [_labelled(LOOSE, path.name, _bytes(path), row)]
        else:
            continue
        for file in source:
            found = True
            yield file
    if not found:
        raise InputError(f"{raw_dir}: holds no MIDI files; give a folder with .mid files or zips of them")


def _zipped(path: Path) -> Iterator[RawFile]:
    rows = _rows(path.with_suffix(".csv"))
    try:
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
            if missing := set(rows) - members:
                raise InputError(f"{path}: lacks {sorted(missing)[0]}, which its CSV names; unpack or copy it again")
            for name in sorted(rows) or sorted(m for m in members if m.lower().endswith(MIDI_ENDINGS)):
                yield _labelled(path.stem, name, _member(archive, name), rows.get(name, {}))
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: is not a whole zip file ({error}); copy it again, or put it elsewhere") from None


def _bytes(path: Path) -> bytes:
    """What a file holds, no more than is read of any; nothing where it cannot be read, which is told."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        print(f"passed over: {path}: cannot be read ({error.strerror})", file=sys.stderr)
        return b""


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """As `_bytes`, for a file in a zip."""
    try:
        with archive.open(name) as file:
            return file.read(MAX_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        print(f"passed over: {archive.filename}: {name}: cannot be unpacked ({error})", file=sys.stderr)
        return b""


def _folder(path: Path) -> Iterator[RawFile]:
    rows = _rows(path.parent / f"{path.name}.csv")
    files = sorted(f for f in path.rglob("*") if f.suffix.lower() in MIDI_ENDINGS and f.is_file())
    names = [f.relative_to(path).as_posix() for f in files]
    if missing := set(rows) - set(names):
        raise InputError(
            f"{path}: lacks {sorted(missing)[0]}, which {path.name}.csv names; copy it there, or mend the CSV"
        )
    for file, name in zip(files, names, strict=True):
        yield _labelled(path.name, name, _bytes(file), rows.get(name, {}))
