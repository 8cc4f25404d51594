"""Vectors of many files, computed once: a cache by the hash of each file's bytes, safe to stop at any time.

One SQLite file holds, for each embedding, the vectors, and what could not be read and why. A second run only hashes the
files (and not even that when size and time have not changed); damaged files are listed, not tried again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from klangbild.errors import InputError, Stopped
from klangbild.picture.find import pictures_below
from klangbild.picture.picture import Picture
from klangbild.sound.audio import Audio

MUSIC_SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")
OnProgress = Callable[[int, int], bool | None]  # (files done, files) -> False to stop


class Embedder(Protocol):
    """A space that pictures and music share, such as ImageBind's. `name` keys the cache."""

    name: str

    def picture(self, picture: Picture) -> np.ndarray:
        """float32 (d,)."""

    def music(self, audio: Audio) -> np.ndarray:
        """float32 (d,)."""


@dataclass(frozen=True)
class FileVectors:
    """What was read, in the order of the files: names relative to the folder, hashes, vectors (n, d); and what was not."""

    files: tuple[str, ...]
    sha256: tuple[str, ...]
    vectors: np.ndarray
    corrupt: tuple[tuple[str, str], ...]


def list_pictures(folder: Path) -> list[Path]:
    """All pictures below a folder, sorted.

    Raises:
        InputError: it is no folder, or there is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; give the folder of the files")
    found = sorted(pictures_below(folder))
    if not found:
        raise InputError(f"{folder}: holds no picture; give the folder of the pictures")
    return found


def list_files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """All files with these suffixes below a folder, sorted.

    Raises:
        InputError: it is no folder, or there is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; give the folder of the files")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    if not found:
        raise InputError(f"{folder}: holds no {', '.join(suffixes)} file; give the folder of the files")
    return found


def embed_files(
    paths: Sequence[Path],
    embed: Callable[[Path], np.ndarray],
    *,
    root: Path,
    space: str,
    cache: Path,
    on_progress: OnProgress | None = None,
) -> FileVectors:
    """Vectors of files, from the cache where it has them.

    Args:
        paths: the files, below `root`.
        embed: reads one file into a vector (d,); an `InputError` marks the file as corrupt.
        root: names are relative to it.
        space: which embedding of which kind of file, for example "imagebind_huge/picture".
        cache: the SQLite file; made if missing.
        on_progress: called after each file; returning False stops, and what was computed is kept.

    Raises:
        Stopped: by `on_progress`.
        InputError: the cache is no SQLite file.
    """
    with _Cache(cache) as store:
        known = store.known(space)
        failed = store.failures(space)
        for done, path in enumerate(paths, start=1):
            digest = store.digest(path)
            if digest not in known and digest not in failed:
                try:
                    vector = np.asarray(embed(path), dtype=np.float32).ravel()
                    if not np.isfinite(vector).all():
                        raise InputError(f"{path}: its vector is not finite")
                except InputError as error:
                    failed[digest] = str(error)
                    store.fail(space, digest, str(error))
                else:
                    known.add(digest)
                    store.keep(space, digest, vector)
            if on_progress is not None and on_progress(done, len(paths)) is False:
                raise Stopped(f"stopped after {done} of {len(paths)} files; run the same command to go on")
        good = [(path, store.digest(path)) for path in paths]
        corrupt = tuple((_relative(path, root), failed[digest]) for path, digest in good if digest in failed)
        good = [(path, digest) for path, digest in good if digest not in failed]
        vectors = [store.vector(space, digest) for _, digest in good]
    return FileVectors(
        files=tuple(_relative(path, root) for path, _ in good),
        sha256=tuple(digest for _, digest in good),
        vectors=np.stack(vectors) if vectors else np.zeros((0, 0), np.float32),
        corrupt=corrupt,
    )


def embed_pictures(
    folder: Path, embedder: Embedder, *, cache: Path, on_progress: OnProgress | None = None
) -> FileVectors:
    """Every picture below a folder."""
    from klangbild.picture.load import load_picture

    return embed_files(
        list_pictures(folder),
        lambda path: embedder.picture(load_picture(path)),
        root=folder,
        space=f"{embedder.name}/picture",
        cache=cache,
        on_progress=on_progress,
    )


def embed_music(folder: Path, embedder: Embedder, *, cache: Path, on_progress: OnProgress | None = None) -> FileVectors:
    """Every sound file below a folder."""
    from klangbild.sound.files import read_audio

    return embed_files(
        list_files(folder, MUSIC_SUFFIXES),
        lambda path: embedder.music(read_audio(path)),
        root=folder,
        space=f"{embedder.name}/music",
        cache=cache,
        on_progress=on_progress,
    )


class _Cache:
    """Three tables: hashes of files as they were last seen, vectors, failures. Every row is committed at once."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path

    def __enter__(self) -> _Cache:
        try:
            self.db = sqlite3.connect(self.path, isolation_level=None)
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("CREATE TABLE IF NOT EXISTS seen (path TEXT PRIMARY KEY, size INT, mtime INT, sha256 TEXT)")
            for table, column in (("vectors", "vector BLOB"), ("failures", "why TEXT")):
                self.db.execute(
                    f"CREATE TABLE IF NOT EXISTS {table} (space TEXT, sha256 TEXT, {column}, PRIMARY KEY (space, sha256))"
                )
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self.path}: is not a cache of ours ({error}); delete it or name another") from error
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    def digest(self, path: Path) -> str:
        """The file's sha256, recomputed only when its size or time changed."""
        stat = path.stat()
        now = (stat.st_size, stat.st_mtime_ns)
        row = self.db.execute("SELECT size, mtime, sha256 FROM seen WHERE path = ?", (str(path.resolve()),)).fetchone()
        if row is not None and row[:2] == now:
            return row[2]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.db.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", (str(path.resolve()), *now, digest))
        return digest

    def known(self, space: str) -> set[str]:
        return {row[0] for row in self.db.execute("SELECT sha256 FROM vectors WHERE space = ?", (space,))}

    def failures(self, space: str) -> dict[str, str]:
        return dict(self.db.execute("SELECT sha256, why FROM failures WHERE space = ?", (space,)))

    def keep(self, space: str, digest: str, vector: np.ndarray) -> None:
        self.db.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", (space, digest, vector.tobytes()))

    def fail(self, space: str, digest: str, why: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", (space, digest, why))

    def vector(self, space: str, digest: str) -> np.ndarray:
        row = self.db.execute("SELECT vector FROM vectors WHERE space = ? AND sha256 = ?", (space, digest)).fetchone()
        return np.frombuffer(row[0], dtype=np.float32)


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def cached_vectors(cache: Path, space: str, digests: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Vectors of files that were embedded before, by file name; `digests`: the sha256 of each.

    Raises:
        InputError: there is no such cache, or it lacks one of the files.
    """
    if not cache.is_file():
        raise InputError(f"{cache}: there is no such cache of vectors; run 'klangbild data pair' again")
    with _Cache(cache) as store:
        known = store.known(space)
        missing = [name for name, digest in digests.items() if digest not in known]
        if missing:
            raise InputError(
                f"{cache}: has no {space} vector of {missing[0]} ({len(missing)} such); run 'klangbild data pair' again"
            )
        return {name: store.vector(space, digest) for name, digest in digests.items()}
