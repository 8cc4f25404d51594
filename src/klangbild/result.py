"""`Result`: everything that came of one picture. Holds the music, says how it came about, saves itself, plays itself again."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klangbild.errors import InputError, NotAvailableError, OutputError, UsageError
from klangbild.file_names import as_file_name
from klangbild.formats.table import DEFAULT_FORMATS, FORMATS, format_named, that_need_sound
from klangbild.record.carriers import read_record
from klangbild.record.facts import Record, SoundFacts, SoundFontFacts
from klangbild.settings import Settings
from klangbild.slips import is_another_format, unknown_format
from klangbild.whole_files import make_folder

if TYPE_CHECKING:
    from klangbild.emotion.space import Emotion
    from klangbild.music.piece import Piece
    from klangbild.picture.picture import Picture
    from klangbild.sound.audio import Audio, LongAudio
    from klangbild.sound.master import Master

DEFAULT_FILENAME = "{picture}-{seed}"
_TEMPLATE_FIELDS = ("picture", "seed", "emotion", "engine", "model", "key", "tempo")


@dataclass(eq=False)
class Result:
    """One piece of music, its picture, and its record, which says all that is known of it.

    record: its "sound" is None until the sound is made, which happens when it is first asked for.
    piece: None where a model made sound without notes. dry, length_s: see `stems` and `length_s` of `klangbild.contract.EngineOutput`.
    files: what was saved so far. replayed_by: makes the piece again of a record (`composer.replay_record`); edited_by: edits it
    (`composer.edit`). written: the MIDI file of an edited piece, without its record: most of it is the events of another file.
    """

    record: Record
    piece: Piece | None = None
    dry: list[tuple[str, Audio | LongAudio]] | None = None
    picture: Picture | None = None
    stopped: bool = False
    length_s: float | None = None
    files: dict[str, Path] = field(default_factory=dict)
    replayed_by: Callable[..., Result] | None = field(default=None, repr=False)
    edited_by: Callable[..., Result] | None = field(default=None, repr=False)
    written: bytes | None = field(default=None, repr=False)

    @property
    def settings(self) -> Settings:
        """What was asked for, with the seed that was drawn."""
        return self.record.settings

    @property
    def seed(self) -> int:
        """0 .. 2**32 - 1."""
        return self.record.seed

    @property
    def emotion(self) -> Emotion:
        """The emotion of the picture or the words, on the raters' scale, -1..1, with its spread."""
        return self.record.emotion.own

    @property
    def asked(self) -> Emotion:
        """What the music was asked for, on the music's plane, -1..1."""
        return self.record.emotion.asked

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the emotion is what it is: a sentence each."""
        return self.record.reasons

    @property
    def name(self) -> str:
        """The picture's name, which files are called after."""
        return self.record.name

    @property
    def told(self) -> tuple[str, ...]:
        """What you should know of wishes that were not, or not quite, granted: a line each."""
        return self.record.told

    @cached_property
    def master(self) -> Master:
        """The sound, played from the notes (or mixed from what the model made) when it is first asked for; its facts go into
        the record. Raises KlangbildError: there is nothing to hear. NotAvailableError: there is no SoundFont."""
        from klangbild.sound.master import master, play

        level, settings = self.settings.loudness_lufs, self.settings
        if self.piece is not None:
            made = play(
                self.piece,
                soundfont=settings.soundfont,
                loudness_lufs=level,
                length_s=self.length_s,
                loops=self.loops,
            )
        else:
            made = master(self.dry or [], loudness_lufs=level, finished=True, length_s=self.length_s)
        font = None if made.soundfont is None else SoundFontFacts(**made.soundfont)
        told = (*made.silent, *(made.told if settings.loudness != Settings.loudness else ()))
        self.record = self.record.with_sound(SoundFacts(**made.facts, soundfont=font), made.timings_s, told)
        return made

    @property
    def audio(self) -> Audio | LongAudio:
        """The finished sound, float32 (2, frames) in `samples` at `rate` Hz; `LongAudio` past two minutes: read it span by span."""
        return self.master.audio

    @property
    def stems(self) -> tuple[tuple[str, Audio | LongAudio], ...]:
        """Family and sound (2, frames) of each, summing to `audio`."""
        return self.master.stems

    @property
    def loops(self) -> bool:
        """Whether its end leads to its start, in notes and in sound."""
        return self.piece is not None and self.piece.loops

    @cached_property
    def midi(self) -> bytes:
        """The MIDI file. Raises UsageError: there are no notes."""
        if self.piece is None:
            raise _no_notes("mid", self.record.model.name)
        from klangbild.music.midi import to_midi_bytes, with_record
        from klangbild.music.section_marks import with_section_marks

        if self.written is not None:
            return with_record(self.written, self.embedded)
        return to_midi_bytes(with_section_marks(self.piece), record=self.embedded)

    @property
    def embedded(self) -> str:
        """The record as it travels inside the files. Where there are notes it holds nothing of the sound, whose making changes
        no byte of a MIDI file."""
        return self.record.embedded(sound=self.piece is None)

    @property
    def embedded_in_sound(self) -> str:
        """The record as it travels inside a sound file: with what is known of the sound, the SoundFont too."""
        return self.record.embedded()

    def save(
        self,
        to: str | Path = ".",
        formats: tuple[str, ...] | str = DEFAULT_FORMATS,
        *,
        filename: str = DEFAULT_FILENAME,
        overwrite: bool = False,
        on_progress: Callable[[float, float], object] | None = None,
    ) -> dict[str, Path]:
        """Write files and say where they are: {format: path}.

        to: a folder (made if missing), or a file whose suffix is one of the formats: then only that file is written.
        formats: of `formats.table.FORMATS` ("stems" makes a folder). filename: a template with {picture},
        {seed}, {emotion}, {engine}, {model}, {key}, {tempo}; it may name sub-folders but not leave `to`.
        Nothing is overwritten unless asked: "-2" is added. Each file appears whole or not at all.
        on_progress(done, total): called now and then while a film is made, in frames.

        Raises:
            UsageError: an unknown format or template field. OutputError: the disk is full or the folder not writable.
        """
        formats = tuple(formats.split(",")) if isinstance(formats, str) else tuple(formats)
        to = Path(to)
        if to.suffix.lower().lstrip(".") in FORMATS and not to.is_dir():
            base, formats, is_file = to.with_suffix(""), (to.suffix.lower().lstrip("."),), True
        else:
            base, is_file = to / self._file_stem(filename), False
        check_formats(formats, self.record.model.name, notes=self.piece is not None)
        if not is_file or not overwrite:
            base = _free(base, formats, overwrite=overwrite, root=to)
        make_folder(base.parent)
        paths = {name: _path(base, name) for name in formats}
        self.record = self.record.with_files({name: path.name for name, path in paths.items()})
        if that_need_sound(formats, notes=self.piece is not None):
            _ = (
                self.master
            )  # before any file: where there is nothing to hear nothing is written, and the JSON tells of the sound
        for name, path in paths.items():
            format_named(name).write(self, path, on_progress=on_progress)
            self.files[name] = path
        return paths

    def is_saved_as(self, to: str | Path, formats: tuple[str, ...], *, filename: str = DEFAULT_FILENAME) -> bool:
        """Whether files of this very piece (by their record: picture and settings) stand where `save` would write into the folder `to`."""
        base = Path(to) / self._file_stem(filename)
        for path in (_path(base, name) for name in formats if format_named(name).reader):
            try:
                there = read_record(path)
            except InputError:  # not there, or of somebody else
                continue
            return there.asks_the_same(self.record)
        return False

    def replay(
        self, *, picture: Any = None, on_progress: Callable[[float, float], bool | None] | None = None
    ) -> Result:
        """The same piece again, made anew from the record. Raises UsageError: no `Composer` made this result."""
        if self.replayed_by is None:
            raise UsageError("this result came from no composer; use klangbild.replay on one of its files")
        return self.replayed_by(self.record, picture=picture or self.picture, on_progress=on_progress)

    def edit(self, *, on_progress: Callable[[float, float], bool | None] | None = None, **wishes: Any) -> Result:
        """Another piece, made of this one: `result.edit(bars=(9, 16))` writes these bars anew and leaves every other event as it is. What
        can be wished: `klangbild.editing.wish.Wish`; besides `seed`, and `soundfont` and `loudness` for its sound.

        Raises:
            UsageError: a wish is wrong, the piece has no such bars or parts, or no `Composer` made this result.
        """
        if self.edited_by is None:
            raise UsageError("this result came from no composer; use klangbild.edit on one of its files")
        return self.edited_by(self, on_progress=on_progress, **wishes)

    def vary(
        self, amount: float, *, on_progress: Callable[[float, float], bool | None] | None = None, **wishes: Any
    ) -> Result:
        """This piece changed a little (0.1) or much (1.0): so large a share of its bars written anew; key, form and length stay. Raises as `edit`."""
        return self.edit(vary=amount, on_progress=on_progress, **wishes)

    @staticmethod
    def load(path: str | Path) -> Record:
        """The record in a file of ours. Raises InputError."""
        return read_record(path)

    def to_musicxml(self) -> bytes:
        """The score, as a MusicXML 4.0 file. Raises UsageError: the model makes sound, not notes."""
        from klangbild.formats.writers import score_of

        if self.piece is None:
            raise _no_notes("musicxml", self.record.model.name)
        return score_of(self)

    def roll(self) -> Any:
        """The piano roll (or, where there are no notes, the spectrogram) as a PIL image."""
        from klangbild.formats.writers import draw

        return draw(self)

    def _file_stem(self, template: str) -> str:
        record = self.record
        values = {
            "picture": self.name, "seed": self.seed, "emotion": self.asked.name, "engine": record.engine,
            "model": record.model.name, "key": record.music.key, "tempo": record.music.tempo,
        }  # fmt: skip
        return _filled(template, values)

    def _repr_html_(self) -> str:
        """Player, piano roll and emotion for a notebook."""
        import base64

        import numpy as np
        import soundfile

        wav, png = io.BytesIO(), io.BytesIO()
        soundfile.write(
            wav, np.ascontiguousarray(self.audio.samples.T), self.audio.rate, format="WAV", subtype="PCM_16"
        )
        self.roll().save(png, "PNG")
        sound, image = (base64.b64encode(b.getvalue()).decode() for b in (wav, png))
        words = escape(self.record.music.words)
        return (
            f"<figure><img style='max-width:100%' alt='{words}' src='data:image/png;base64,{image}'>"
            f"<audio controls src='data:audio/wav;base64,{sound}'></audio>"
            f"<figcaption>{escape(self.name)}: {self.asked.name}, seed {self.seed}. {words}</figcaption></figure>"
        )


def check_filename(template: str) -> None:
    """Whether names can be made of a template, before any music is. Raises UsageError."""
    _filled(template, dict.fromkeys(_TEMPLATE_FIELDS, "x"))
    stem, _, suffix = template.rpartition(".")
    if stem and (suffix.lower() in FORMATS or is_another_format(suffix)):
        known = suffix.lower() if suffix.lower() in FORMATS else "LIST"
        raise UsageError(
            f"--filename '{template}' ends in a format, but the formats come from -f; write --filename \"{stem}\" -f {known}"
        )


def _filled(template: str, values: dict[str, Any]) -> str:
    """The template with its fields filled in. Raises UsageError."""
    try:
        stem = template.format(**{k: str(v).replace("/", "_").replace("\\", "_") for k, v in values.items()})
    except (KeyError, IndexError, ValueError, AttributeError):
        names = " ".join("{" + name + "}" for name in _TEMPLATE_FIELDS)
        raise UsageError(f"--filename '{template}' has a field we do not know; use {names}") from None
    if Path(stem).is_absolute() or ".." in Path(stem).parts or not stem.strip():
        raise UsageError(f"--filename '{template}' leaves the output folder; give a relative name without '..'")
    return str(Path(*(as_file_name(part) for part in Path(stem).parts)))


def check_formats(formats: tuple[str, ...], model: str, *, notes: bool) -> None:
    """Raises UsageError for a format we do not write, or notes asked of a model that makes sound without them; NotAvailableError where
    what draws it is not installed."""
    for name in formats:
        if name not in FORMATS:
            raise UsageError(f"-f {unknown_format(name, FORMATS)}")
        row = format_named(name)
        if not row.can_be_made(notes=notes):
            raise _no_notes(name, model)
        if row.missing:
            raise NotAvailableError(
                f"-f {name} needs {row.missing}, which is not installed; run: pip install 'klangbild[{row.extra}]'"
            )


def _no_notes(name: str, model: str) -> UsageError:
    return UsageError(f"-f {name}: the model {model} makes sound, not notes; leave '{name}' out")


def _path(base: Path, name: str) -> Path:
    return base.with_name(format_named(name).file_name(base.name))


def _free(base: Path, formats: tuple[str, ...], *, overwrite: bool, root: Path) -> Path:
    """`base`, or `base-2`, `base-3`, ... until none of its files exists."""
    if os.path.lexists(root) and not os.path.isdir(root) and base.parent == root:  # noqa: PTH112 - never raises
        raise OutputError(f"{root}: is a file, not a folder; choose another with -o")
    if overwrite:
        return base
    candidate, number = base, 1
    # a link that leads nowhere is there, too
    while any(os.path.lexists(_path(candidate, name)) for name in formats):
        number += 1
        candidate = base.with_name(f"{base.name}-{number}")
    return candidate


__all__ = ["DEFAULT_FILENAME", "InputError", "Result", "check_filename", "check_formats"]
