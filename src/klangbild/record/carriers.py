"""The record inside a file of ours: as JSON, in a MIDI file's text event, in a sound file's tags, in a PNG's text, in a score's field, in a
film's comment."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import BinaryIO

from klangbild.errors import InputError
from klangbild.formats.table import TABLE
from klangbild.input_file import open_input
from klangbild.record.facts import Record

_MAX_BYTES = 64 * 2**20
_ROWS = {f".{suffix}": row for row in TABLE if row.reader for suffix in (row.name, *row.read_as)}


def read_record(path: str | Path) -> Record:
    """The record in a file that klangbild made, of a format of `formats.table.TABLE` that carries one.

    Raises:
        InputError: no such file, or it carries no record of ours, or a damaged one.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _ROWS:
        open_input(path).close()  # what is not there is told first
        raise InputError(
            f"{path}: '{suffix}' is not a kind of file that carries a record; give one of {' '.join(_ROWS)}"
        )
    with open_input(path) as file:
        text = _ROWS[suffix].record_in(file, path)
    if not text:
        raise InputError(f"{path}: carries no klangbild record; only files that klangbild made can be replayed")
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):  # ValueError: also numbers of thousands of digits
        raise InputError(f"{path}: its record is damaged (not JSON); use another file of the same piece") from None
    return Record.from_dict(values, str(path))


def record_in_json(file: BinaryIO, path: Path) -> str | None:
    """The text of a JSON file. Raises InputError: it is too large."""
    return _content(file, path).decode("utf-8", "replace")


def record_in_midi(file: BinaryIO, path: Path) -> str | None:
    """The record in a MIDI file's text event. Raises InputError: it is too large."""
    from klangbild.music import midi

    return midi.read_record(_content(file, path))


def record_in_tags(file: BinaryIO, path: Path) -> str | None:
    """The record in the tags of a WAV, FLAC, MP3 or OGG."""
    from klangbild.sound.tags import RECORD_FIELD, read_field

    return read_field(file, RECORD_FIELD)


def record_in_mp4(file: BinaryIO, path: Path) -> str | None:
    """The record in the comment of a film."""
    from klangbild.sound.mp4_tags import COMMENT, read_tag

    return read_tag(file, COMMENT)


def record_in_html(file: BinaryIO, path: Path) -> str | None:
    """The record in a page of one file. Raises InputError: it is too large."""
    from klangbild.show.page_file import record_in_page

    return record_in_page(_content(file, path))


def record_in_png(file: BinaryIO, path: Path) -> str | None:
    """The record in a PNG's text chunks, which stand before its pixels. Raises InputError: not a PNG."""
    from PIL import Image

    try:
        with Image.open(file, formats=("PNG",)) as image:
            text = image.info.get("klangbild")
    except (OSError, ValueError, SyntaxError, struct.error, EOFError, Image.DecompressionBombError):
        raise InputError(f"{path}: is not a readable PNG; give another file of the same piece") from None
    return text if isinstance(text, str) else None


def record_in_musicxml(file: BinaryIO, path: Path) -> str | None:
    """The record in a score's miscellaneous field. Raises InputError: it is too large, or not XML."""
    from xml.etree import ElementTree

    from klangbild.score.musicxml import RECORD_FIELD

    try:
        root = ElementTree.fromstring(_content(file, path))
    except ElementTree.ParseError:
        raise InputError(f"{path}: is not a readable MusicXML file; give another file of the same piece") from None
    fields = root.iterfind("identification/miscellaneous/miscellaneous-field")
    return next((field.text for field in fields if field.get("name") == RECORD_FIELD), None)


def _content(file: BinaryIO, path: Path) -> bytes:
    data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise InputError(f"{path}: is over {_MAX_BYTES // 2**20} MB, which no file of ours is; give another one")
    return data
