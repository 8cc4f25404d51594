"""What is edited: the MIDI file of a piece, and what is known of it. It travels in the record of what comes of it, so that a replay needs nothing more."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from klangbild.errors import InputError
from klangbild.input_file import open_input
from klangbild.music.midi import piece_of, read_record, without_record
from klangbild.music.midi_plain import MAX_CONTINUED_S, MIDI_ENDINGS, check_seconds, check_size, plain_midi, read_bytes
from klangbild.picture.voice import Voice
from klangbild.record import carriers
from klangbild.record.facts import EmotionFacts, ModelFacts, PictureFacts, Record
from klangbild.settings import Settings

MAX_PACKED = 1_000_000
"""Letters that the packed notes may take in a record."""
_MOST_BYTES = 8_000_000


@dataclass(frozen=True)
class Source:
    """name: of the piece, without folder and suffix. midi: the file's bytes, without a record. The rest is what its record knows: `emotion` and
    `model` are None where the piece is not ours; before: the edits that it has behind it, as their wishes."""

    name: str
    midi: bytes
    settings: Settings
    picture: PictureFacts | None = None
    emotion: EmotionFacts | None = None
    reasons: tuple[str, ...] = ()
    voice: Voice | None = None
    model: ModelFacts | None = None
    before: tuple[Mapping[str, Any], ...] = ()

    @property
    def sha256(self) -> str:
        """Of `midi`."""
        return hashlib.sha256(self.midi).hexdigest()

    def packed(self) -> str:
        """`midi` as text for a record. Raises InputError: it is too long."""
        text = base64.b85encode(zlib.compress(self.midi, 9)).decode()
        if len(text) > MAX_PACKED:
            raise InputError(f"{self.name}: holds more notes than a record can carry along; cut it into parts")
        return text

    @classmethod
    def of_piece(cls, record: Record, midi: bytes) -> Source:
        """A piece of ours: its record, and its MIDI file."""
        edit = record.edit
        before = () if edit is None else (*edit.before, {**edit.wish, "seed": record.seed})
        return cls(
            record.name, without_record(midi), record.settings, record.picture, record.emotion, record.reasons, record.voice,
            record.model, before,
        )  # fmt: skip

    @classmethod
    def of_edit(cls, record: Record) -> Source:
        """What an edited piece was made from, out of its record. Raises InputError: it is damaged there."""
        edit = record.edit
        assert edit is not None
        return cls(
            edit.name,
            _unpacked(edit.notes, edit.sha256, edit.name),
            record.settings,
            record.picture,
            replace(record.emotion, asked=edit.asked),
            record.reasons,
            record.voice,
            record.model,
            edit.before,
        )


def read_source(path: str | Path, again: Callable[[Record], Any]) -> Source:
    """A piece from a MIDI file of anybody's, or from any other file of ours, which is played again: `again(record)` gives its result.

    Raises:
        InputError: the file is missing or damaged, holds no notes, is beyond a limit, or is of a kind that carries neither notes nor record.
    """
    path = Path(path)
    if path.suffix.lower() in MIDI_ENDINGS or _begins_as_midi(path):
        data = read_bytes(path)
        check_size(len(data), str(path))
        return source_of(data, path.stem, str(path))
    result = again(carriers.read_record(path))
    if result.piece is None:
        raise InputError(
            f"{path}: is sound of the {result.record.engine} engine, without notes to edit; give a piece that has notes"
        )
    return Source.of_piece(result.record, result.midi)


def source_of(data: bytes, name: str, shown: str) -> Source:
    """MIDI bytes -> a source; what their record knows, where they are ours. shown: the name for messages. Raises InputError: as `read_source`."""
    piece = piece_of(plain_midi(data, shown), shown)
    if not piece.n_notes:
        raise InputError(f"{shown}: holds no note that we can play; give another .mid file")
    check_seconds(piece.seconds, MAX_CONTINUED_S, shown)
    if text := read_record(data):
        try:
            return Source.of_piece(Record.from_dict(json.loads(text), shown), data)
        except (
            ValueError,
            RecursionError,
            InputError,
        ):  # a music program may have changed it: its notes are there all the same
            pass
    return Source(name, without_record(data), Settings())


def _unpacked(text: str, sha256: str, name: str) -> bytes:
    """The inverse of `Source.packed`. Raises InputError: it is damaged."""
    try:
        midi = zlib.decompressobj().decompress(base64.b85decode(text), _MOST_BYTES)
        if hashlib.sha256(midi).hexdigest() != sha256:
            raise ValueError("another sha256")
    except (ValueError, zlib.error):
        raise InputError(
            f"{name}: the notes it was edited from are damaged in its record; use another file of the same piece"
        ) from None
    return midi


def _begins_as_midi(path: Path) -> bool:
    with open_input(path) as file:
        return file.read(4) == b"MThd"
