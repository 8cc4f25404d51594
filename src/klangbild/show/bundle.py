"""A bundle for a DAW: one zip with the notes, the mix, a WAV for each instrument, the roll and the record."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from klangbild.errors import UsageError
from klangbild.whole_files import atomic_path

# the earliest date that zip can write: no clock time inside, so that equal content gives equal bytes
_DATE = (1980, 1, 1, 0, 0, 0)
# how hard an entry is packed is told by an attribute that Python renamed in 3.13
_LEVEL = "compress_level" if hasattr(zipfile.ZipInfo, "compress_level") else "_compresslevel"
_STORED = {".flac", ".ogg", ".mp3", ".png", ".jpg", ".zip"}


Content = bytes | Callable[[BinaryIO], object]
"""The bytes of a file, or what writes them into an open one: so that long sound need not be held."""


def write_bundle(path: str | Path, files: Mapping[str, Content]) -> Path:
    """Write a zip of `files` (name inside the zip -> content), in the order given, whole or not at all; returns the path.

    Raises:
        UsageError: a name is absolute or points outside the bundle.
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        _write(file, files)
    return Path(path)


def bundle_bytes(files: Mapping[str, Content]) -> bytes:
    """The zip's bytes; equal files give equal bytes."""
    stream = io.BytesIO()
    _write(stream, files)
    return stream.getvalue()


def _write(to: BinaryIO, files: Mapping[str, Content]) -> None:
    with zipfile.ZipFile(to, "w", compresslevel=4) as archive:
        for name, content in files.items():
            if name.startswith("/") or "\\" in name or ".." in name.split("/") or not name:
                raise UsageError(f"'{name}' cannot be a name inside a bundle; give a plain relative name")
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            packed = zipfile.ZIP_STORED if Path(name).suffix.lower() in _STORED else zipfile.ZIP_DEFLATED
            entry.compress_type = packed
            if isinstance(content, bytes):
                archive.writestr(entry, content, compresslevel=4 if packed == zipfile.ZIP_DEFLATED else None)
                continue
            setattr(entry, _LEVEL, 4)
            with archive.open(entry, "w") as inside:
                content(inside)
