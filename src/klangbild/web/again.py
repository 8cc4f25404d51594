"""The record of a piece that a visitor brings back, checked as strictly as a wish: it is to be made again."""

from __future__ import annotations

from typing import Any

from klangbild.errors import UsageError
from klangbild.file_names import as_file_name
from klangbild.record.facts import Record
from klangbild.web.form_fields import read_settings


def read_again(values: Any) -> Record:
    """The record in a JSON value.

    Raises:
        InputError: it is no record of ours, or damaged. UsageError: its settings name what is not installed here, its picture's name
        is no name of a file, or it went on from a MIDI file, which is not here.
    """
    record = Record.from_dict(values, "the record")
    if record.settings.continue_from is not None:
        raise UsageError(
            "this piece went on from a MIDI file, which is not kept here; give that file and make it with the same seed"
        )
    # a record of somebody else may name any file of this machine: only what a visitor may choose is taken
    read_settings({name: value for name, value in values["settings"].items() if value is not None}, typed=True)
    name = record.name
    if not name.strip() or name != as_file_name(name) or any(sign in name for sign in "/\\") or name in (".", ".."):
        raise UsageError("the record's picture has a name that no file can have; use the record as it was saved")
    return record
