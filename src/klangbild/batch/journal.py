"""The journal of a folder of music: with what it was composed, which pictures are done, which failed.

A file of JSON lines beside the pieces, to which a line is added for each picture that is finished. So a run that ends at any moment,
also by a power cut, goes on where it was: a line that is torn is no line, and a piece without one is made again, byte for byte.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klangbild.errors import InputError, UsageError
from klangbild.whole_files import atomic_write

FILE = "klangbild-journal.jsonl"
_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """What became of one picture. size and mtime_ns: of its file then. files: what was written, relative to the folder. same_as: the picture
    with the same bytes that was made instead. error: why there is none; None: there is."""

    size: int
    mtime_ns: int
    files: tuple[str, ...] = ()
    same_as: str | None = None
    error: str | None = None


@dataclass
class Journal:
    """Of one folder. wishes: what its pieces were asked with. entries: {path of a picture: its newest entry}."""

    folder: Path
    wishes: dict[str, Any]
    entries: dict[str, Entry] = field(default_factory=dict)
    is_new: bool = True

    @classmethod
    def read(cls, folder: Path) -> Journal | None:
        """The journal in a folder; None where there is none. Raises InputError: it is not one that we can read."""
        path = folder / FILE
        try:
            lines = path.read_bytes().split(b"\n")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); mend that, or give another -o") from None
        values = [_line(line) for line in lines]
        head = values[0] if values else None
        if head is None or head.get("journal") != _VERSION or not isinstance(head.get("wishes"), dict):
            raise InputError(f"{path}: is not a journal of this klangbild; move it away, or give another -o")
        journal = cls(folder, head["wishes"], is_new=False)
        for value in values[1:]:
            if value is not None and isinstance(value.get("picture"), str):
                journal.entries[value.pop("picture")] = _entry(value)
        return journal

    def differences(self, wishes: Mapping[str, Any]) -> list[str]:
        """What is asked otherwise than it was, a few words each."""
        wishes = json.loads(json.dumps(wishes))
        names = [name for name in (*self.wishes, *wishes) if self.wishes.get(name) != wishes.get(name)]
        return [
            f"{name} {_said(self.wishes.get(name))} (now {_said(wishes.get(name))})" for name in dict.fromkeys(names)
        ]

    def refuse_others(self, wishes: Mapping[str, Any]) -> None:
        """Raises UsageError: the folder was composed with other settings."""
        if found := self.differences(wishes):
            raise UsageError(
                f"-o {self.folder}: was composed with {', '.join(found)}; give the same, another -o, or --no-resume to put new pieces "
                "beside the old ones"
            )

    def is_done(self, picture: str) -> bool:
        """Whether a picture needs nothing more: it is as it was, and so is what was made of it."""
        entry = self.entries.get(picture)
        if entry is None or entry.error is not None or (entry.size, entry.mtime_ns) != state_of(picture):
            return False
        if entry.same_as is not None:
            return entry.same_as in self.entries and self.is_done(entry.same_as)
        return all(os.path.lexists(self.folder / name) for name in entry.files)

    def add(
        self, picture: str, *, files: Iterable[Path] = (), same_as: str | None = None, error: str | None = None
    ) -> None:
        """Write down what became of a picture, at once and for good."""
        size, mtime_ns = state_of(picture)
        entry = Entry(size, mtime_ns, tuple(os.path.relpath(path, self.folder) for path in files), same_as, error)
        self.entries[picture] = entry
        kept = {name: value for name, value in vars(entry).items() if value not in (None, ())}
        self._append({"picture": picture, **kept})

    def start(self) -> None:
        """Write its first line, where the file is new; end a line that a sudden end tore."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.is_new:
            head = json.dumps({"journal": _VERSION, "wishes": self.wishes})
            atomic_write(self.folder / FILE, f"{head}\n".encode(), durable=True)
            self.is_new = False
        elif (content := (self.folder / FILE).read_bytes()) and not content.endswith(b"\n"):
            with (self.folder / FILE).open("ab") as file:
                file.write(b"\n")

    def _append(self, value: dict[str, Any]) -> None:
        with (self.folder / FILE).open("ab") as file:
            file.write(json.dumps(value).encode() + b"\n")  # in ASCII, so that a name of any bytes comes back
            file.flush()
            os.fsync(file.fileno())


def state_of(picture: str) -> tuple[int, int]:
    """(bytes, time of the last change in ns) of a file; zeros where it is none."""
    try:
        status = os.stat(picture)  # noqa: PTH116 - a name with a zero byte is an error of its own kind
        return status.st_size, status.st_mtime_ns
    except (OSError, ValueError):
        return 0, 0


def _line(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _entry(value: dict[str, Any]) -> Entry:
    return Entry(
        int(value.get("size", 0)),
        int(value.get("mtime_ns", 0)),
        tuple(map(str, value.get("files", ()))),
        value.get("same_as"),
        value.get("error"),
    )


def _said(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    return "unset" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
