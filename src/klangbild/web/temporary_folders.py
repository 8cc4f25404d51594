"""Folders that live for an hour: each visitor's picture and each run has one of its own, by a name nobody can guess."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import threading
import time
from pathlib import Path
from typing import IO

from klangbild.whole_files import atomic_path, atomic_write

KEEP_S = 3600.0
MAX_BYTES = 4_000_000_000
MAX_FOLDERS = 5000
_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


class TemporaryFolders:
    """Folders under `root`, removed `keep_s` seconds after their last use, the oldest sooner when all exceed `max_bytes`."""

    def __init__(self, root: Path, *, keep_s: float = KEEP_S, max_bytes: int = MAX_BYTES) -> None:
        self.root, self.keep_s, self.max_bytes = root, keep_s, max_bytes
        self._used: dict[str, float] = {}
        self._since_swept = 0
        self._lock = threading.Lock()
        root.mkdir(parents=True, exist_ok=True)

    def new(self) -> tuple[str, Path]:
        """(id, an empty folder of its own)."""
        key = secrets.token_urlsafe(16)
        (self.root / key).mkdir(mode=0o700)
        with self._lock:
            self._used[key] = time.monotonic()
        return key, self.root / key

    def folder(self, key: str) -> Path | None:
        """The folder of an id, its hour beginning anew; None when there is none (any more)."""
        with self._lock:
            if not _ID.fullmatch(key) or key not in self._used:
                return None
            self._used[key] = time.monotonic()
        return self.root / key

    def grown(self, n_bytes: int) -> list[str]:
        """Note what was kept: when it is a tenth of what may be, sweep at once (a visitor fills a disk between two sweeps)."""
        self._since_swept += n_bytes
        return self.sweep() if self._since_swept > self.max_bytes / 10 else []

    def drop(self, key: str) -> None:
        """Remove a folder now."""
        with self._lock:
            self._used.pop(key, None)
        shutil.rmtree(self.root / key, ignore_errors=True)

    def sweep(self, busy: frozenset[str] = frozenset()) -> list[str]:
        """Remove what is past its hour or too much, oldest first, except `busy`; gives the ids removed."""
        now = time.monotonic()
        self._since_swept = 0
        with self._lock:
            by_age = sorted((used, key) for key, used in self._used.items() if key not in busy)
        gone = [key for used, key in by_age if now - used > self.keep_s]
        # thousands of tiny ones would take memory, and minutes to count
        gone += [key for _, key in by_age[: max(len(by_age) - MAX_FOLDERS, 0)] if key not in gone]
        sizes = {key: _size(self.root / key) for _, key in by_age if key not in gone}
        total = sum(sizes.values())
        for key, size in sizes.items():
            if total <= self.max_bytes:
                break
            gone.append(key)
            total -= size
        for key in gone:
            self.drop(key)
        return gone


def keep_upload(folder: Path, name: str, content: bytes | IO[bytes]) -> Path:
    """Write an upload under a safe form of its own name; an earlier one of the same name is not overwritten.

    A file is copied piece by piece: thirty visitors with 100 MB each must not take 3 GB of memory.
    """
    name = re.sub(r"[^\w.() -]+", "_", name.replace("\\", "/").rsplit("/", 1)[-1])
    name = _shortened(name).strip(" .") or "picture"
    path, number = folder / name, 1
    while path.exists():
        number += 1
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    if isinstance(content, bytes):
        return atomic_write(path, content)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        content.seek(0)
        shutil.copyfileobj(content, file)
    return path


def _shortened(name: str) -> str:
    """80 letters and 100 bytes at most, the beginning and the suffix: the names of a run's files are longer by a few.

    >>> _shortened("a" * 300 + ".png") == "a" * 76 + ".png"
    True
    """
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, suffix = name, ""
    end = dot + suffix if suffix else ""
    left = 100 - len(end.encode("utf-8", "replace"))
    return stem.encode("utf-8", "replace")[:left].decode("utf-8", "ignore")[: 80 - len(end)] + end


def same_file(source: Path, target: Path) -> None:
    """The same bytes under a second name: sixty runs of one picture of 100 MB take its space once. Neither is ever written to again."""
    try:
        os.link(source, target)
    except OSError:  # not on this disk
        shutil.copyfile(source, target)


def _size(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except OSError:  # a file went away while we counted
        return 0
