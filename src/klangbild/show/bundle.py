"""A bundle for a DAW: one zip with the notes, the mix, a WAV for each instrument, the roll and the record."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from klangbild.atomic import atomic_write
from klangbild.errors import UsageError
from klangbild.sound.audio import Audio
from klangbild.sound.files import encode_audio

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


def daw_files(
    name: str,
    *,
    midi: bytes,
    mix: Audio,
    stems: Iterable[tuple[str, Audio]],
    roll: bytes | None = None,
    record: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """The usual content, named after the piece: `NAME.mid`, `NAME.wav`, `stems/NAME-FAMILY.wav`, `NAME.png`, `NAME.json`.

    All WAVs start together and have one length, so that they line up when dropped into a DAW.
    """
    files = {f"{name}.mid": midi, f"{name}.wav": encode_audio(mix, "wav", tags=tags, record=record)}
    for family, stem in stems:
        stem_tags = {**(tags or {}), "title": f"{name}: {family}"}
        files[f"stems/{name}-{family}.wav"] = encode_audio(stem, "wav", tags=stem_tags)
    if roll:
        files[f"{name}.png"] = roll
    if record:
        files[f"{name}.json"] = record.encode()
    return files
