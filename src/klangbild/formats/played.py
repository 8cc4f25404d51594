"""A MIDI file of anybody's as the writers take it: notes and their sound, but no record, since it was not composed here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from klangbild.file_names import readable
from klangbild.settings import Settings

if TYPE_CHECKING:
    from klangbild.music.piece import Piece
    from klangbild.picture.picture import Picture
    from klangbild.sound.audio import Audio, LongAudio
    from klangbild.sound.master import Master


@dataclass(eq=False)
class Played:
    """source: the file. piece: its notes, as they are performed. settings: soundfont, loudness and video are heard. picture: what a film and
    a page of it show. trim: silence is cut off the front of the sound."""

    source: Path
    piece: Piece
    settings: Settings
    picture: Picture | None = None
    trim: bool = False
    record: None = None
    emotion: None = None
    asked: None = None
    embedded: str = ""
    embedded_in_sound: str = ""

    @property
    def name(self) -> str:
        """The file's, without its suffix."""
        return readable(self.source.stem)

    @cached_property
    def master(self) -> Master:
        """The sound, played when it is first asked for. Raises KlangbildError: there is nothing to hear. NotAvailableError: there is no
        SoundFont."""
        from klangbild.sound.master import play

        wished = self.settings
        return play(
            self.piece, soundfont=wished.soundfont, loudness_lufs=wished.loudness_lufs, trim_start=self.trim
        )  # fmt: skip

    @property
    def audio(self) -> Audio | LongAudio:
        """float32 (2, frames)."""
        return self.master.audio

    @property
    def stems(self) -> tuple[tuple[str, Audio | LongAudio], ...]:
        """Family and sound (2, frames) of each."""
        return self.master.stems

    @property
    def loops(self) -> bool:
        """It is played once, whatever it was meant for."""
        return False

    @property
    def midi(self) -> bytes:
        """The file as it is."""
        return self.source.read_bytes()
