"""The record of a piece that a visitor brings back, checked as strictly as a wish: it is to be made again."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from klangbild.editing.wish import Wish
from klangbild.errors import UsageError
from klangbild.file_names import as_file_name
from klangbild.record.facts import Record
from klangbild.result import Result
from klangbild.web.form_fields import read_settings

if TYPE_CHECKING:
    from klangbild.music.piece import Piece

NOTES = "notes.mid"
"""In the folder of a run: the notes that it is only played from."""


def read_again(values: Any) -> Record:
    """The record in a JSON value.

    Raises:
        InputError: it is no record of ours, or damaged. UsageError: its settings name what is not installed here, its picture's name
        is no name of a file, or it went on from a MIDI file, which is not here.
    """
    record = Record.from_dict(values, "the record")
    settings = dict(values["settings"])
    if record.edit is not None:  # it carries what it was made from
        settings.pop("continue_from", None)
        Wish.from_dict({**record.edit.wish, "seed": record.seed})
    elif record.settings.continue_from is not None:
        raise UsageError(
            "this piece went on from a MIDI file, which is not kept here; give that file and make it with the same seed"
        )
    check_record(settings, record.name)
    return record


def check_record(settings: Mapping[str, Any], name: str) -> None:
    """A record of somebody else may name any file of this machine: only what a visitor may choose is taken. Raises UsageError."""
    read_settings({name: value for name, value in settings.items() if value is not None}, typed=True)
    if not name.strip() or name != as_file_name(name) or any(sign in name for sign in "/\\") or name in (".", ".."):
        raise UsageError("the record's picture has a name that no file can have; use the record as it was saved")


def read_notes(text: str | None) -> bytes | None:
    """A MIDI file in base64, as JSON carries it. Raises InputError: there is no music in it. UsageError: it is no base64."""
    if text is None:
        return None
    from klangbild.music.midi import read_midi

    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("'midi' is no base64; send the bytes of the MIDI file in it") from None
    read_midi(content)
    return content


def played_again(record: Record, piece: Piece) -> Result:
    """The music of a record whose notes are there: nothing is composed. A MIDI file rounds onsets to ticks, so that a note may sound a
    sample sooner or later than it did."""
    lasts_s = record.sound.seconds if record.sound and (record.settings.exact or piece.loops) else None
    return Result(record, piece, length_s=lasts_s)
