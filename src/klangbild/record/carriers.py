"""The record inside a file of ours: as JSON, in a MIDI file's text event, in a sound file's tags, in a PNG's text."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, BinaryIO

from klangbild.errors import InputError
from klangbild.input_file import open_input
from klangbild.record.facts import Record

_MAX_BYTES = 64 * 2**20
_SUFFIXES = (".json", ".mid", ".midi", ".wav", ".flac", ".mp3", ".ogg", ".png")


def read_record(path: str | Path) -> Record:
    """The record in a .json, .mid, .wav, .flac, .mp3, .ogg or .png that klangbild made.

    Raises:
        InputError: no such file, or it carries no record of ours, or a damaged one.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        open_input(path).close()  # what is not there is told first
        raise InputError(
            f"{path}: '{suffix}' is not a kind of file that carries a record; give one of {' '.join(_SUFFIXES)}"
        )
    with open_input(path) as file:
        if suffix == ".png":
            text = _png_record(file, path)
        elif suffix in (".json", ".mid", ".midi"):
            data = file.read(_MAX_BYTES + 1)
            if len(data) > _MAX_BYTES:
                raise InputError(
                    f"{path}: is over {_MAX_BYTES // 2**20} MB, which no file of ours is; give another one"
                )
            text = data.decode("utf-8", "replace") if suffix == ".json" else _midi_record(data)
        else:
            from klangbild.sound.tags import RECORD_FIELD, read_field

            text = read_field(file, RECORD_FIELD)
    if not text:
        raise InputError(f"{path}: carries no klangbild record; only files that klangbild made can be replayed")
    return Record.from_dict(_parsed(text, path), str(path))


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # ValueError: also numbers of thousands of digits
        raise InputError(f"{path}: its record is damaged (not JSON); use another file of the same piece") from None


def _midi_record(data: bytes) -> str | None:
    from klangbild.music import midi

    return midi.read_record(data)


def _png_record(file: BinaryIO, path: Path) -> str | None:
    """The record in a PNG's text chunks, which stand before its pixels. Raises InputError: not a PNG."""
    from PIL import Image

    try:
        with Image.open(file, formats=("PNG",)) as image:
            text = image.info.get("klangbild")
    except (OSError, ValueError, SyntaxError, struct.error, EOFError, Image.DecompressionBombError):
        raise InputError(f"{path}: is not a readable PNG; give another file of the same piece") from None
    return text if isinstance(text, str) else None
