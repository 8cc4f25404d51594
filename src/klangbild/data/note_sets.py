"""The raw sets of MIDI files: zips with a CSV beside them, or plain folders of a user's own files.

A raw folder holds `NAME.zip` (members named in the `file` column of `NAME.csv`), or folders `NAME/` of .mid files with an
optional `NAME.csv`, or loose .mid files (set "mine"). Known CSV columns, all but `file` optional: `licence`, `source`,
`split` (train | val | test), `valence` and `arousal` (human labels, -1..1), `valence_mean` and `arousal_mean` (the same,
VGMIDI's names), `quadrant` (1..4, EMOPIA's), `weak_spotify_valence`, `weak_spotify_energy` (0..1, never trained on).
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from klangbild.errors import InputError

# What the README of a set says where its CSV has no licence column.
_SET_LICENCES = {"emopia": "CC BY-NC-SA 4.0", "vgmidi": "unstated"}
_MIDI_ENDINGS = (".mid", ".midi")


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
    weak_valence: float | None = None
    weak_energy: float | None = None

    @property
    def name(self) -> str:
        """ "set/file": unique, and what the held-out list names."""
        return f"{self.set}/{self.file}"


def _number(row: dict[str, str], *columns: str) -> float | None:
    for column in columns:
        if row.get(column):
            return float(row[column])
    return None


def _labelled(name: str, file: str, data: bytes, row: dict[str, str]) -> RawFile:
    quadrant = _number(row, "quadrant")
    return RawFile(
        set=name,
        file=file,
        data=data,
        licence=row.get("licence") or _SET_LICENCES.get(name, "unstated"),
        origin=row.get("source") or name,
        split=row.get("split") or None,
        valence=_number(row, "valence", "valence_mean"),
        arousal=_number(row, "arousal", "arousal_mean"),
        quadrant=int(quadrant) if quadrant else None,
        weak_valence=_number(row, "weak_spotify_valence"),
        weak_energy=_number(row, "weak_spotify_energy"),
    )


def _rows(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
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
        rows = _rows(path.with_suffix(".csv"))
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                members = set(archive.namelist())
                if missing := set(rows) - members:
                    raise InputError(
                        f"{path}: lacks {sorted(missing)[0]}, which its CSV names; unpack or copy it again"
                    )
                names = sorted(rows) or sorted(m for m in members if m.lower().endswith(_MIDI_ENDINGS))
                for name in names:
                    found = True
                    yield _labelled(path.stem, name, archive.read(name), rows.get(name, {}))
        elif path.is_dir():
            rows = _rows(path.parent / f"{path.name}.csv")
            for file in sorted(f for f in path.rglob("*") if f.suffix.lower() in _MIDI_ENDINGS):
                found = True
                name = file.relative_to(path).as_posix()
                yield _labelled(path.name, name, file.read_bytes(), rows.get(name, {}))
        elif path.suffix.lower() in _MIDI_ENDINGS:
            found = True
            yield _labelled("mine", path.name, path.read_bytes(), {})
    if not found:
        raise InputError(f"{raw_dir}: holds no MIDI files; give a folder with .mid files or zips of them")
