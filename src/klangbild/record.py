"""The record of a piece: the JSON that says what it is and how to make it again (schema 1).

It is written beside the files as NAME.json; its "sound" is null where no sound was made. Without `told` (wishes
that were not quite granted), `timings_s`, `files` and `device`, which differ from run to run, the same record travels inside the sound file, and without `sound` inside the MIDI file
and the piano roll, whose bytes do not depend on what else was made: so equal seeds give equal bytes, and `replay` works from any
of them.
"""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from klangbild import __version__
from klangbild.errors import InputError, no_such_file

SCHEMA = 1
_HALVES = re.compile("[\ud800-\udfff]")
_OF_THE_RUN = ("told", "timings_s", "files", "device")
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
    if not path.exists():
        raise no_such_file(path)
    suffix = path.suffix.lower()
    text = None
    if suffix == ".json":
        text = path.read_text(encoding="utf-8", errors="replace")
    elif suffix in (".mid", ".midi"):
        from klangbild.notes.midi import read_record

        text = read_record(path.read_bytes())
    elif suffix == ".png":
        text = _png_record(path)
    elif suffix in _SUFFIXES:
        from klangbild.sound.files import read_record as read_sound_record

        text = read_sound_record(path)
    else:
        raise InputError(
            f"{path}: '{suffix}' is not a kind of file that carries a record; give one of {' '.join(_SUFFIXES)}"
        )
    if not text:
        raise InputError(f"{path}: carries no klangbild record; only files that klangbild made can be replayed")
    try:
        record = json.loads(text)
    except json.JSONDecodeError:
        raise InputError(f"{path}: its record is damaged (not JSON); use another file of the same piece") from None
    if not isinstance(record, dict) or "klangbild" not in record or "seed" not in record:
        raise InputError(f"{path}: is not a klangbild record; only files that klangbild made can be replayed")
    if record.get("schema") != SCHEMA:
        raise InputError(
            f"{path}: has record schema {record.get('schema')}, this klangbild reads schema {SCHEMA}; "
            "install the version that made it"
        )
    return record


def _png_record(path: Path) -> str | None:
    """The record in a PNG's text chunks. Raises InputError: not a PNG."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            image.load()
            return getattr(image, "text", {}).get("klangbild")
    except (UnidentifiedImageError, OSError):
        raise InputError(f"{path}: is not a readable PNG; give another file of the same piece") from None
