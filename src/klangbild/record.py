"""The record of a piece: the JSON that says what it is and how to make it again (schema 1).

It is written beside the files as NAME.json; its "sound" is null where no sound was made. Without `told` (wishes
that were not quite granted), `timings_s`, `files` and `device`, which differ from run to run, the same record travels inside the sound file, and without `sound` inside the MIDI file
and the piano roll, whose bytes do not depend on what else was made: so equal seeds give equal bytes, and `replay` works from any
of them.
"""

from __future__ import annotations

import json
import re
import struct
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

from klangbild import __version__
from klangbild.errors import InputError
from klangbild.input_file import open_input

SCHEMA = 1
_HALVES = re.compile("[\ud800-\udfff]")
_OF_THE_RUN = ("told", "timings_s", "files", "device")
_MAX_BYTES = 64 * 2**20
_SUFFIXES = (".json", ".mid", ".midi", ".wav", ".flac", ".mp3", ".ogg", ".png")


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    found = {"klangbild": __version__}
    for name in ("numpy", "scipy", "onnxruntime", "symusic"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "?"
    return found


def to_json(record: dict[str, Any], *, embedded: bool, sound: bool = True) -> str:
    """The record as JSON text; `embedded` leaves out what belongs to the run, and without `sound` what the sound is like, and
    writes one line."""
    if embedded:
        left_out = _OF_THE_RUN if sound else (*_OF_THE_RUN, "sound")
        kept = {key: value for key, value in record.items() if key not in left_out}
        return _whole_text(json.dumps(kept, ensure_ascii=False, separators=(",", ":")))
    return _whole_text(json.dumps(record, ensure_ascii=False, indent=2)) + "\n"


def _whole_text(text: str) -> str:
    """Without halves of surrogate pairs (names of files that are not UTF-8), which no file can hold."""
    return _HALVES.sub("\ufffd", text)


def read(path: str | Path) -> dict[str, Any]:
    """The record in a .json, .mid, .wav, .flac, .mp3, .ogg or .png that klangbild made.

    Raises:
        InputError: no such file, or it carries no record of ours.
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
    return checked(_parsed(text, path), str(path))


def checked(record: Any, name: str = "the record") -> dict[str, Any]:
    """A record that can be played again. name: of the file that it is from.

    Raises:
        InputError: it is none of ours, of another schema, or a field of it is missing or not what it should be (which is told).
    """
    if not isinstance(record, dict) or "klangbild" not in record or "seed" not in record:
        raise InputError(f"{name}: is not a klangbild record; only files that klangbild made can be replayed")
    schema = record.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise InputError(
            f"{name}: has record schema {str(schema)[:40]}, this klangbild reads schema {SCHEMA}; install the version that made it"
        )
    from klangbild.record_shape import check_shape

    check_shape(record, name)
    return record


def _parsed(text: str, path: Path) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # ValueError: also numbers of thousands of digits
        raise InputError(f"{path}: its record is damaged (not JSON); use another file of the same piece") from None


def _midi_record(data: bytes) -> str | None:
    from klangbild.music.midi import read_record

    return read_record(data)


def _png_record(file: BinaryIO, path: Path) -> str | None:
    """The record in a PNG's text chunks, which stand before its pixels. Raises InputError: not a PNG."""
    from PIL import Image

    try:
        with Image.open(file, formats=("PNG",)) as image:
            text = image.info.get("klangbild")
    except (OSError, ValueError, SyntaxError, struct.error, EOFError, Image.DecompressionBombError):
        raise InputError(f"{path}: is not a readable PNG; give another file of the same piece") from None
    return text if isinstance(text, str) else None
