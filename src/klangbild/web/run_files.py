"""The files of a run: the small ones at once, the large ones when somebody asks for them.

A result keeps its notes, not its sound: a WAV, a FLAC, stems or the zip are played anew from the notes when they are first
asked for, which gives the same bytes, and lets memory and disk stay small with many visitors.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from klangbild import record as records
from klangbild.atomic import atomic_write
from klangbild.result import Result
from klangbild.settings import FORMATS

# one sound at a time: 30 s of music with six stems is 100 MB while it is mixed
_SOUND = threading.Lock()
LARGE = ("wav", "flac", "ogg", "stems", "zip")


class RunFiles:
    """What can be had of one result. names: {format: file name}; "stems" is a zip of WAVs here."""

    def __init__(self, folder: Path, picture: Path | None, result: Result) -> None:
        self.folder = folder / "files"
        self.picture = picture
        self._result, self._slim = result, False
        self._lock = threading.RLock()
        self.kinds = tuple(kind for kind in FORMATS if kind != "mid" or result.piece is not None)
        stem = f"{result.name}-{result.seed}"
        self.names = {kind: f"{stem}-stems.zip" if kind == "stems" else f"{stem}.{kind}" for kind in self.kinds}

    def ready(self) -> dict[str, str]:
        """{format: file name} of what is written."""
        return {kind: name for kind, name in self.names.items() if (self.folder / name).exists()}

    def path(self, name: str) -> Path | None:
        """The file of that name, made if need be; None when a result has no such file."""
        kind = next((kind for kind, known in self.names.items() if known == name), None)
        return None if kind is None else self.make(kind)

    def make(self, kind: str) -> Path:
        """The file of a format, written if it is not there yet."""
        path = self.folder / self.names[kind]
        with self._lock:
            if path.exists():
                return path
            if kind not in LARGE:
                return self._write(self._result, kind, path)
            with _SOUND:
                return self._write(self._whole(), kind, path)

    def slim(self) -> None:
        """Let go of the sound and the pixels; both come back when they are needed."""
        with self._lock:
            if self._result.piece is None:
                for kind in LARGE:
                    self.make(kind)
            self._result, self._slim = replace(self._result, dry=None, picture=None), True

    def _write(self, result: Result, kind: str, path: Path) -> Path:
        self.folder.mkdir(exist_ok=True)
        if kind == "json":
            record = {**result.record, "files": self.names}
            return atomic_write(path, records.to_json(record, embedded=False).encode())
        if kind != "stems":
            return next(iter(result.save(path).values()))
        from klangbild.save_files import tags
        from klangbild.show.bundle import write_bundle
        from klangbild.sound.files import encode_audio

        about = tags(result)
        wavs = {
            f"{path.stem}/{family}.wav": encode_audio(stem, "wav", tags={**about, "title": f"{result.name}: {family}"})
            for family, stem in result.stems
        }
        return write_bundle(path, wavs)

    def _whole(self) -> Result:
        """The result with its picture, to be played anew from the notes where it was let go of."""
        from klangbild.picture.load import load_picture

        if not self._slim:
            return self._result
        words = self._result.settings.text
        picture = load_picture(self.picture, words=words) if self.picture else None
        return replace(self._result, picture=picture)  # a new one: what it makes is let go of with it
