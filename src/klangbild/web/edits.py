"""A piece that a visitor wants edited or gone on from: one made here, by its run, or a file that is sent; checked before it goes into the line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO, Any

from klangbild.composer import new_seed
from klangbild.editing.source import source_of
from klangbild.editing.wish import Wish
from klangbild.errors import InputError, UsageError
from klangbild.music.midi_plain import MAX_BYTES, check_size
from klangbild.record import carriers
from klangbild.settings import Settings, flag_of
from klangbild.web.again import check_record, read_again
from klangbild.web.bodies import FieldError
from klangbild.web.run_files import RunFiles
from klangbild.web.temporary_folders import keep_upload


@dataclass(frozen=True)
class EditJob:
    """piece: the file that is edited, in the run's folder. wish: what is to be done, with its seed. settings: of the piece, with that seed. name: of
    the piece's file, as it was given."""

    piece: Path
    wish: dict[str, Any]
    settings: Settings
    name: str


def read_wish(values: Mapping[str, Any], *, typed: bool) -> dict[str, Any]:
    """A body's values -> a wish, checked, by name. typed: they are JSON's own, else text.

    Raises:
        FieldError: a name is unknown, or a value wrong.
    """
    known = {knob.name: str(knob.type) for knob in fields(Wish)}
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise FieldError(
                f"'{name[:60]}' is nothing an edit knows; give run or piece, and {', '.join(known)}", name[:60]
            )
        if value is None or (value == "" and not typed):
            continue
        try:
            found[name] = value if typed else _from_text(known[name], value)
            Wish(**{"bars": "1", name: found[name]})
        except UsageError as error:
            raise FieldError(_plain(error), name) from None
    try:
        return Wish.from_dict(found).as_dict()
    except UsageError as error:
        raise UsageError(_plain(error)) from None


def midi_of(files: RunFiles | None) -> tuple[str, bytes]:
    """The name and the bytes of a run's MIDI file. Raises FieldError: it has none."""
    path = files.written(files.names.get("mid", "")) if files else None
    if path is None:
        raise FieldError("this run has no notes to edit, or none yet; wait until it is done", "run")
    return path.name, path.read_bytes()


def kept_piece(folder: Path, name: str, content: bytes | IO[bytes], wish: dict[str, Any]) -> EditJob:
    """A file that was sent, or is here already, kept in the folder and looked through.

    Raises:
        FieldError: it is no piece, or its record names what is not installed here.
    """
    folder.mkdir(exist_ok=True)
    path = keep_upload(folder, name, content)
    try:
        settings = _looked_through(path)
    except (InputError, UsageError) as error:
        raise FieldError(str(error).replace(f"{folder}/", ""), "piece") from None
    wish = {**wish, "seed": wish.get("seed", new_seed())}
    return EditJob(path, wish, replace(settings, seed=wish["seed"]), path.name)


def kept_beginning(folder: Path, name: str, content: bytes | IO[bytes]) -> Path:
    """A MIDI file to go on from, kept. Raises UsageError: there is no music in it."""
    from klangbild.music.midi import read_continued

    path = keep_upload(folder, name, content)
    try:
        read_continued(path)
    except InputError as error:
        raise UsageError(f"{flag_of('continue_from')}: {str(error).replace(f'{folder}/', '')}") from None
    return path


def settings_in(name: str, content: bytes | IO[bytes]) -> dict[str, Any]:
    """The settings in the record that a file of ours carries. Raises FieldError: it is none of ours, or damaged."""
    with tempfile.TemporaryDirectory() as folder:
        path = keep_upload(Path(folder), name, content)
        try:
            return carriers.read_record(path).settings.as_dict()
        except InputError as error:
            raise FieldError(str(error).replace(f"{folder}/", ""), "piece") from None


def _looked_through(path: Path) -> Settings:
    with path.open("rb") as file:
        is_midi = file.read(4) == b"MThd" or path.suffix.lower() in (".mid", ".midi", ".rmi", ".kar")
    if not is_midi:
        return read_again(json.loads(carriers.read_record(path).to_json())).settings
    size = path.stat().st_size
    check_size(min(size, MAX_BYTES + 1), str(path))
    source = source_of(path.read_bytes(), path.stem, str(path))
    if source.emotion is not None:
        check_record({**source.settings.as_dict(), "continue_from": None}, source.name)
    return source.settings


def _from_text(kind: str, value: str) -> Any:
    if kind.startswith("bool"):
        if value.lower() not in ("true", "false", "1", "0", "on", "off"):
            raise UsageError(f"'{value[:40]}' is neither true nor false")
        return value.lower() in ("true", "1", "on")
    if kind.startswith("tuple"):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    for convert in (int, float) if "int" in kind else (float,) if "float" in kind else ():
        try:
            return convert(value)
        except ValueError:
            continue
    return value


def _plain(error: Exception) -> str:
    """A complaint of the command line's in a form's words."""
    return str(error).replace("--", "")
