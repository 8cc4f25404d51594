"""A bundle for a DAW: one zip with the notes, the mix, a WAV for each instrument, the roll and the record."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from klangbild.atomic import atomic_write
from klangbild.errors import UsageError

# the earliest date that zip can write: no clock time inside, so that equal content gives equal bytes
_DATE = (1980, 1, 1, 0, 0, 0)
_STORED = {".flac", ".ogg", ".mp3", ".png", ".jpg", ".zip"}


def write_bundle(path: str | Path, files: Mapping[str, bytes]) -> Path:
    """Write a zip of `files` (name inside the zip -> bytes), in the order given, whole or not at all; returns the path.

    Raises:
        UsageError: a name is absolute or points outside the bundle.
        OutputError: the file cannot be written.
    """
    return atomic_write(path, bundle_bytes(files))


def bundle_bytes(files: Mapping[str, bytes]) -> bytes:
    """The zip's bytes; equal files give equal bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in files.items():
            if name.startswith("/") or "\\" in name or ".." in name.split("/") or not name:
                raise UsageError(f"'{name}' cannot be a name inside a bundle; give a plain relative name")
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            packed = zipfile.ZIP_STORED if Path(name).suffix.lower() in _STORED else zipfile.ZIP_DEFLATED
            entry.compress_type = packed
            archive.writestr(entry, data, compresslevel=4 if packed == zipfile.ZIP_DEFLATED else None)
    return stream.getvalue()
