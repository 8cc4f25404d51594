"""The writers of `formats/table.py`. Every file appears whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from klangbild.whole_files import atomic_folder, atomic_write

if TYPE_CHECKING:
    from PIL.Image import Image

    from klangbild.emotion.space import Emotion
    from klangbild.music.piece import Piece
    from klangbild.picture.picture import Picture
    from klangbild.record.facts import Record
    from klangbild.settings import Settings
    from klangbild.show.bundle import Content
    from klangbild.show.thumbnail import Gaze
    from klangbild.sound.audio import Audio, LongAudio


class Saved(Protocol):
    """What the writers need of a result; see `klangbild.result.Result`, and `formats.played.Played` of what `render` reads."""

    @property
    def record(self) -> Record | None:
        """None: of a file of others that is only played."""

    @property
    def settings(self) -> Settings: ...

    @property
    def emotion(self) -> Emotion | None: ...

    @property
    def asked(self) -> Emotion | None: ...

    @property
    def piece(self) -> Piece | None: ...

    @property
    def picture(self) -> Picture | None: ...

    @property
    def name(self) -> str: ...

    @property
    def audio(self) -> Audio | LongAudio:
        """The finished sound (2, frames)."""

    @property
    def stems(self) -> tuple[tuple[str, Audio | LongAudio], ...]:
        """Family and sound (2, frames) of each."""

    @property
    def loops(self) -> bool: ...

    @property
    def midi(self) -> bytes: ...

    @property
    def embedded(self) -> str:
        """The record as it travels in files; "" where there is none."""

    @property
    def embedded_in_sound(self) -> str: ...


def draw(result: Saved) -> Image:
    """The piano roll of a result, or the spectrogram of one that has no notes."""
    if result.piece is None:
        from klangbild.show.spectrogram import draw_spectrogram

        return draw_spectrogram(result.audio)
    from klangbild.show.pianoroll import draw_piano_roll

    return draw_piano_roll(
        result.piece,
        picture=result.picture,
        emotion=result.emotion,
        asked=result.asked,
        title=result.name if result.picture or not result.settings.text else result.settings.text,
        subtitle=_about(result),
        gaze=_gaze(result),
    )


def _about(result: Saved) -> str:
    if result.record is None or result.asked is None:
        return ""
    source = "a picture" if result.name != "words" else "words"
    return f"{result.asked.name} music from {source}, seed {result.record.seed}"


def _gaze(result: Saved) -> Gaze:
    voice = None if result.record is None else result.record.voice
    return voice.gaze if voice else ()


def _words(result: Saved) -> str:
    """The music in words."""
    if result.record is not None:
        return result.record.music.words
    from klangbild.music.describe import describe

    return "" if result.piece is None else describe(result.piece)


def tags(result: Saved) -> dict[str, str]:
    """What a player shows: title, artist, comment, ..."""
    name = result.name.replace("_", " ").replace("-", " ")
    if result.record is None or result.asked is None:
        return {"title": result.name, "artist": "klangbild"}
    return {
        "title": f"{name} ({result.asked.name})",
        "artist": "klangbild",
        "comment": f"AI generated from a picture by klangbild {result.record.klangbild}: {result.record.music.words}",
        "genre": "AI generated",
        "copyright": f"model: {result.record.model.name}, {result.record.model.licence}",
    }


def _stem_tags(result: Saved, name: str) -> dict[str, str]:
    return {**tags(result), "title": f"{result.name}: {name}"}


def write_json(result: Saved, path: Path) -> None:
    """The record."""
    assert result.record is not None
    atomic_write(path, result.record.to_json().encode(), durable=True)


def write_midi(result: Saved, path: Path) -> None:
    """The notes."""
    atomic_write(path, result.midi, durable=True)


def write_sound(result: Saved, path: Path) -> None:
    """The finished sound, in the format of the path's suffix."""
    from klangbild.sound.files import write_audio

    write_audio(path, result.audio, tags=tags(result), record=result.embedded_in_sound or None, loops=result.loops)


def write_png(result: Saved, path: Path) -> None:
    """The piano roll, or where there are no notes the spectrogram."""
    atomic_write(path, _png_bytes(result))


def _png_bytes(result: Saved) -> bytes:
    from klangbild.show.canvas import png_bytes
    from klangbild.show.pianoroll import piano_roll_png

    if result.piece is not None:
        return piano_roll_png(draw(result), result.piece, title=result.name, record=result.embedded)
    words = f"Spectrogram of {result.name}: {_words(result)}"
    return png_bytes(draw(result), texts={"Title": result.name, "Description": words, "klangbild": result.embedded})


def score_of(result: Saved) -> bytes:
    """The score as MusicXML, with the record in it."""
    from klangbild.score.musicxml import to_musicxml

    assert result.piece is not None
    return to_musicxml(_marked(result.piece), title=_title(result), record=result.embedded or None)


def _marked(piece: Piece) -> Piece:
    from klangbild.music.section_marks import with_section_marks

    return with_section_marks(piece)


def _title(result: Saved) -> str:
    """What stands above a score: the picture's name, or the words."""
    if result.picture is None and result.settings.text:
        return result.settings.text
    return result.name.replace("_", " ").replace("-", " ")


def write_musicxml(result: Saved, path: Path) -> None:
    """The score, for notation programs."""
    atomic_write(path, score_of(result), durable=True)


def write_svg(result: Saved, path: Path) -> None:
    """The score, engraved."""
    from klangbild.score.engrave import engraved_svg

    atomic_write(path, engraved_svg(score_of(result)))


def write_pdf(result: Saved, path: Path) -> None:
    """The score, engraved, for a printer."""
    from klangbild.score.engrave import engraved_pdf

    atomic_write(path, engraved_pdf(score_of(result), title=_title(result)))


def write_mp4(result: Saved, path: Path, *, on_progress: Callable[[float, float], object] | None = None) -> None:
    """A film: the picture, the roll running under it, the sound. on_progress: told the frames that are done, and all."""
    from klangbild.show.film import Film, Words, shape_for
    from klangbild.show.mp4 import write_film

    sound = result.audio
    mood = result.asked.name if result.asked else ""
    maker = "music: klangbild, AI generated" if result.record else "played by klangbild"
    words = Words(_title(result), _words(result), mood, maker)
    film = Film(
        sound,
        words,
        piece=None if result.piece is None else _marked(result.piece),
        picture=result.picture,
        size=shape_for(result.settings.video, result.picture),
        gaze=_gaze(result),
        emotion=result.asked,
    )
    write_film(path, film, sound, tags=tags(result), record=result.embedded_in_sound or None, on_progress=on_progress)


def write_html(result: Saved, path: Path) -> None:
    """One file that opens in a browser: picture, roll and player."""
    from klangbild.show.page_file import PageWords, page_bytes
    from klangbild.sound.files import encode_audio

    title, record = _title(result), result.record
    facts: list[tuple[str, str]] = []
    footer = "Played by klangbild."
    alt = f"{title}: the picture of this music"
    if record is not None:
        music = record.music.facts
        facts = [
            ("feeling", record.emotion.asked.name), ("key", record.music.key), ("meter", str(music.get("meter", ""))),
            ("tempo", f"{float(record.music.tempo):.0f} bpm" if record.music.tempo else ""), ("seed", str(record.seed)),
        ]  # fmt: skip
        footer = f"AI generated from {'a picture' if record.picture else 'words'} by klangbild {record.klangbild}. Model: {record.model.name}, "
        footer += (
            f"{record.model.licence}. The file holds its own record: klangbild replay makes the piece again from it."
        )
        alt = (record.picture.alt if record.picture else None) or f"{title}: the picture that this music was made from"
    sound = result.audio
    data = page_bytes(
        PageWords(title, _words(result), alt, facts, record.reasons if record else (), footer),
        sound=encode_audio(sound, "mp3", tags=tags(result)),
        seconds=sound.seconds,
        piece=None if result.piece is None else _marked(result.piece),
        picture=result.picture,
        spectrogram=None if result.piece is not None else draw(result),
        record=result.embedded_in_sound or None,
    )
    atomic_write(path, data)


def write_stems(result: Saved, path: Path) -> None:
    """A folder with a WAV for each instrument family."""
    from klangbild.sound.files import write_audio

    # into a folder that is there (to overwrite) file by file, each whole: it may hold more than stems
    with contextlib.nullcontext(path) if path.is_dir() else atomic_folder(path) as folder:
        for name, audio in result.stems:
            write_audio(folder / f"{name}.wav", audio, tags=_stem_tags(result, name), loops=result.loops)


def write_stems_zip(result: Saved, path: Path) -> None:
    """The same in a zip."""
    from klangbild.show.bundle import write_bundle
    from klangbild.sound.files import encode_into

    files: dict[str, Content] = {
        f"{path.stem}/{name}.wav": partial(
            encode_into, audio=audio, kind="wav", tags=_stem_tags(result, name), loops=result.loops
        )
        for name, audio in result.stems
    }
    write_bundle(path, files)


def write_zip(result: Saved, path: Path) -> None:
    """All of it for a DAW: notes, whole and part by part, score, mix, stems, roll and record. Everything begins at the same moment, and all
    MIDI files have one tempo map and the same markers."""
    from klangbild.file_names import as_file_name
    from klangbild.music.midi_parts import midi_parts
    from klangbild.show.bundle import write_bundle
    from klangbild.sound.files import encode_into

    stem = path.stem
    files: dict[str, Content] = {}
    if result.piece is not None:
        files[f"{stem}.mid"] = result.midi
        for number, part in enumerate(midi_parts(result.midi), start=1):
            files[f"midi/{number:02d} {as_file_name(part.name.replace(':', ''), windows=True)}.mid"] = part.data
        files[f"{stem}.musicxml"] = score_of(result)
    sound, told, record = result.audio, tags(result), result.embedded_in_sound
    files[f"{stem}.wav"] = partial(encode_into, audio=sound, kind="wav", tags=told, record=record, loops=result.loops)
    for name, audio in result.stems:
        files[f"stems/{name}.wav"] = partial(
            encode_into, audio=audio, kind="wav", tags={"title": name}, loops=result.loops
        )
    files[f"{stem}.png"] = _png_bytes(result)
    assert result.record is not None
    files[f"{stem}.json"] = result.record.to_json().encode()
    write_bundle(path, files)
