"""The pieces of a folder: every record in it with the files of its piece that lie beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from klangbild.errors import InputError
from klangbild.record.facts import Record

SOUNDS = ("mp3", "ogg", "flac", "wav")
"""What a browser plays, the smallest first."""
OTHERS = ("mid", "musicxml", "pdf")
_MAX_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Exhibit:
    """One piece. files: {suffix: path relative to the folder, with slashes}; the record's own is "json"."""

    record: Record
    files: dict[str, str]

    @property
    def sound(self) -> str | None:
        """The smallest sound file, relative."""
        return next((self.files[kind] for kind in SOUNDS if kind in self.files), None)

    @property
    def seconds(self) -> float:
        """Of its sound, or where that was not made of its notes; 0 where neither is known."""
        if self.record.sound is not None:
            return self.record.sound.seconds
        return float(self.record.music.facts.get("seconds", 0.0))

    @property
    def title(self) -> str:
        """The picture's name, or the words it was made from, as one reads it."""
        if self.record.picture is None and self.record.settings.text:
            return self.record.settings.text
        return self.record.name.replace("_", " ").replace("-", " ")


@dataclass(frozen=True)
class Found:
    """exhibits: in the order of their files' names. passed_over: JSON files that are no record of ours, or a damaged one."""

    exhibits: tuple[Exhibit, ...]
    passed_over: tuple[str, ...]


def find_exhibits(folder: Path) -> Found:
    """All pieces in a folder and its sub-folders.

    Raises:
        InputError: there is no such folder, or no record in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; give the one that 'klangbild compose -o' wrote into")
    exhibits, passed_over = [], []
    for path in _records(folder):
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise InputError("too large")
            record = Record.from_dict(json.loads(path.read_text(encoding="utf-8")), str(path))
        except (InputError, ValueError, RecursionError, OSError):
            passed_over.append(path.relative_to(folder).as_posix())
            continue
        exhibits.append(Exhibit(record, _files(path, folder)))
    if not exhibits:
        raise InputError(f"{folder}: holds no record (.json) of a piece; compose into it with -f json,mp3,png")
    return Found(tuple(exhibits), tuple(passed_over))


def _records(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if name.endswith(".json"))


def _files(record: Path, folder: Path) -> dict[str, str]:
    """What lies beside a record under its name."""
    beside = {suffix: record.with_suffix(f".{suffix}") for suffix in ("json", *SOUNDS, *OTHERS, "png")}
    return {suffix: path.relative_to(folder).as_posix() for suffix, path in beside.items() if path.is_file()}
