"""The one table of what music is written as: for each format its writer, what it needs, how it is read again, who offers it.

A format is added with one row here and, where it needs one, a file beside this one. The command line, `Result.save`, `replay`, the page
and REST are made from the rows. Nothing is imported until a row is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from klangbild.models.registry import named

NOTES, SOUND, DRAWING = "notes", "sound", "drawing"
"""What a writer may need; the drawing is made of the notes, or where there are none of the sound."""


@dataclass(frozen=True)
class OnPage:
    """How the page offers a format: its title and what it is, in words. at_once: it is written with the piece, not when somebody asks
    for it. suffix, writer: where the page's differs, like a zip of what is a folder elsewhere."""

    title: str
    words: str
    at_once: bool = False
    suffix: str = ""
    writer: str = ""


@dataclass(frozen=True)
class Format:
    """What a format comes to. Places in the program are written "module:name".

    name: as -f takes it. writer: a function of (a `writers.Saved`, a path) that writes it whole or not at all. needs: of `NOTES`,
    `SOUND`, `DRAWING`. suffix: what follows the name of the piece. usual: written where no format is asked for. reader: a function
    of (an open file, its path) that gives the record's text in it, or None. read_as: other suffixes of files that are read like it.
    libraries: what it is drawn with, by the names they are imported by, of the extra `extra`. media_type: as HTTP names it. page: how the page offers it, if it does. slow: it takes about as long as the
    music lasts, and is made only where somebody asks for it. of_others: there is one of notes that carry no record, too. also: other names for the very same. nearest_of: formats
    that we do not write, of which it is the nearest that we do.
    """

    name: str
    writer: str
    needs: frozenset[str] = frozenset()
    suffix: str = ""
    usual: bool = False
    reader: str = ""
    read_as: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    extra: str = ""
    media_type: str = "application/octet-stream"
    page: OnPage | None = None
    slow: bool = False
    of_others: bool = True
    also: tuple[str, ...] = ()
    nearest_of: tuple[str, ...] = ()

    def file_name(self, stem: str, *, page: bool = False) -> str:
        """The name of a piece's file (or folder) in this format; page: of the page's."""
        on_page = self.page.suffix if page and self.page else ""
        return stem + (on_page or self.suffix or f".{self.name}")

    def write(self, result: Any, path: Any, *, page: bool = False, on_progress: Any = None) -> None:
        """Write a `writers.Saved` to a path, whole or not at all; page: as the page offers it. on_progress(done, total): called now and then
        where it is slow. Raises KlangbildError: it cannot be."""
        on_page = self.page.writer if page and self.page else ""
        told = {"on_progress": on_progress} if self.slow else {}
        named(on_page or self.writer)(result, path, **told)

    def record_in(self, file: Any, path: Any) -> str | None:
        """The record's text in an open file of this format; None where it carries none. Raises InputError: the file is damaged."""
        return named(self.reader)(file, path) if self.reader else None

    def can_be_made(self, *, notes: bool) -> bool:
        """Whether there is such a file of music with, or without, notes."""
        return notes or NOTES not in self.needs

    @property
    def missing(self) -> str:
        """The first of its libraries that is not installed; "" where it can be written here."""
        return next((name for name in self.libraries if find_spec(name) is None), "")

    def needs_sound(self, *, notes: bool) -> bool:
        """Whether the sound is made for it."""
        return SOUND in self.needs or (DRAWING in self.needs and not notes)

    @property
    def is_quick(self) -> bool:
        """Whether it is written in no time: nothing is played or drawn for it."""
        return not self.needs & {SOUND, DRAWING}


_WRITERS, _CARRIERS = "klangbild.formats.writers", "klangbild.record.carriers"
_SOUND_FILE = f"{_WRITERS}:write_sound"
_TAGS = f"{_CARRIERS}:record_in_tags"

TABLE = (
    Format(
        "mid", f"{_WRITERS}:write_midi", frozenset({NOTES}), usual=True, reader=f"{_CARRIERS}:record_in_midi", read_as=("midi",),
        of_others=False,
        media_type="audio/midi", page=OnPage("MIDI", "the notes, for any music program", at_once=True),
        also=("midi",), nearest_of=("smf", "notes"),
    ),
    Format(
        "wav", _SOUND_FILE, frozenset({SOUND}), usual=True, reader=_TAGS, media_type="audio/wav",
        page=OnPage("WAV", "24-bit sound"), also=("wave",), nearest_of=("aif", "aiff", "sound", "audio"),
    ),
    Format(
        "flac", _SOUND_FILE, frozenset({SOUND}), reader=_TAGS, media_type="audio/flac",
        page=OnPage("FLAC", "lossless sound, smaller than WAV"),
    ),
    Format(
        "mp3", _SOUND_FILE, frozenset({SOUND}), reader=_TAGS, media_type="audio/mpeg",
        page=OnPage("MP3", "small sound file", at_once=True), nearest_of=("mpeg", "mpga", "m4a", "aac", "wma"),
    ),
    Format(
        "ogg", _SOUND_FILE, frozenset({SOUND}), reader=_TAGS, media_type="audio/ogg", also=("vorbis", "oga"), nearest_of=("opus",)
    ),
    Format(
        "json", f"{_WRITERS}:write_json", usual=True, of_others=False, reader=f"{_CARRIERS}:record_in_json", media_type="application/json",
        page=OnPage("JSON", "the record: everything that made it", at_once=True), nearest_of=("record",),
    ),
    Format(
        "png", f"{_WRITERS}:write_png", frozenset({DRAWING}), usual=True, reader=f"{_CARRIERS}:record_in_png", media_type="image/png",
        page=OnPage("PNG", "the piano roll as a picture", at_once=True),
        nearest_of=("jpg", "jpeg", "webp", "image", "roll", "pianoroll"),
    ),
    Format(
        "musicxml", f"{_WRITERS}:write_musicxml", frozenset({NOTES}), reader=f"{_CARRIERS}:record_in_musicxml",
        media_type="application/vnd.recordare.musicxml+xml", page=OnPage("MusicXML", "the score, for notation programs"),
        also=("xml",), nearest_of=("mxl", "mei", "abc", "lilypond", "ly", "sheet"),
    ),
    Format(
        "pdf", f"{_WRITERS}:write_pdf", frozenset({NOTES}), libraries=("verovio", "cairosvg"), extra="score",
        media_type="application/pdf", nearest_of=("score", "sheetmusic"),
    ),
    Format(
        "svg", f"{_WRITERS}:write_svg", frozenset({NOTES}), libraries=("verovio",), extra="score", media_type="image/svg+xml",
    ),
    Format(
        "mp4", f"{_WRITERS}:write_mp4", frozenset({SOUND, DRAWING}), reader=f"{_CARRIERS}:record_in_mp4", libraries=("av",),
        extra="video", media_type="video/mp4", slow=True,
        page=OnPage("Video", "a film to share: picture, running roll and sound; made in about the time that it lasts"),
        also=("video",), nearest_of=("mov", "m4v", "webm", "mkv", "avi", "gif", "film", "movie"),
    ),
    Format(
        "html", f"{_WRITERS}:write_html", frozenset({SOUND, DRAWING}), reader=f"{_CARRIERS}:record_in_html", read_as=("htm",),
        media_type="text/html; charset=utf-8", page=OnPage("HTML", "picture, roll and player in one file to send"),
        also=("htm",), nearest_of=("web", "website"),
    ),
    Format(
        "stems", f"{_WRITERS}:write_stems", frozenset({SOUND}), suffix="-stems", media_type="application/zip",
        page=OnPage(
            "Stems", "one WAV per instrument, zipped", suffix="-stems.zip", writer=f"{_WRITERS}:write_stems_zip"
        ),
        also=("stem",), nearest_of=("tracks",),
    ),
    Format(
        "zip", f"{_WRITERS}:write_zip", frozenset({SOUND, DRAWING}), of_others=False, media_type="application/zip",
        page=OnPage("ZIP for a DAW", "MIDI, score, mix, stems, roll and record in one file"), nearest_of=("bundle",),
    ),
)  # fmt: skip
FORMATS = tuple(row.name for row in TABLE)
FORMATS_HERE = tuple(row.name for row in TABLE if not row.missing)
"""Those whose libraries are installed."""
DEFAULT_FORMATS = tuple(row.name for row in TABLE if row.usual)
OF_OTHERS = tuple(row.name for row in TABLE if row.of_others)
"""What `render` writes of any MIDI file."""
SAME = {name: row.name for row in TABLE for name in row.also}
MEDIA_TYPES = {f".{row.name}": row.media_type for row in TABLE}
"""{the suffix of a file: its type as HTTP names it}."""
NEAREST = {name: row.name for row in TABLE for name in row.nearest_of} | SAME
"""{what a format may be called: the one that is meant, or the nearest that we write}."""


def format_named(name: str) -> Format:
    """The row of a format of `FORMATS`."""
    return next(row for row in TABLE if row.name == name)


def that_can_be_made(names: Iterable[str], *, notes: bool) -> tuple[str, ...]:
    """Those of the formats that there are of music with, or without, notes.

    >>> that_can_be_made(("mid", "wav"), notes=False)
    ('wav',)
    """
    return tuple(name for name in names if format_named(name).can_be_made(notes=notes))


def that_need_sound(names: Iterable[str], *, notes: bool) -> tuple[str, ...]:
    """Those of the formats for which the sound is made.

    >>> that_need_sound(("mid", "wav", "png"), notes=True), that_need_sound(("wav", "png"), notes=False)
    (('wav',), ('wav', 'png'))
    """
    return tuple(name for name in names if format_named(name).needs_sound(notes=notes))
