"""The files of a run: the small ones at once, the large ones when somebody asks for them.

A finished run keeps its notes, not its sound: a WAV, a FLAC, stems, the zip or the lanes that the page mixes are played anew from
the notes when they are first asked for, which gives the same bytes, and lets memory and disk stay small with many visitors. The
server only knows the names; files are written by a worker.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klangbild.formats.table import TABLE, format_named
from klangbild.sound.audio import spans
from klangbild.web.texts import STEPS
from klangbild.whole_files import atomic_folder, atomic_write

if TYPE_CHECKING:
    from klangbild.result import Result

PLAYED = "mp3"
"""What the page plays."""
LANES = "lanes"
"""The job of writing the sound of every lane."""
REST = "rest"
"""The job of writing what a run still lacks: of one that was stopped, so that the line need not wait for it."""
_KEPT = "result.pickle"


class RunFiles:
    """What can be had of one run, as the server sees it. names: {format: file name}; "stems" is a zip of WAVs here.

    write(kind): has a worker write the file of a format.
    """

    def __init__(self, folder: Path, names: dict[str, str], write: Callable[[str], None]) -> None:
        self.folder, self.names, self._write = folder / "files", names, write
        self._lock = threading.Lock()

    def ready(self) -> dict[str, str]:
        """{format: file name} of what is written."""
        return {kind: name for kind, name in self.names.items() if (self.folder / name).exists()}

    def written(self, name: str) -> Path | None:
        """The file of that name if it is written."""
        return self.folder / name if name in self.ready().values() else None

    def path(self, name: str) -> Path | None:
        """The file of that name, made if need be; None when a run has no such file."""
        kind = next((kind for kind, known in self.names.items() if known == name), None)
        if kind is None:
            return None
        path = self.folder / name
        with self._lock:
            if not path.exists():
                self._write(kind)
        return path

    def lane(self, name: str) -> Path | None:
        """The sound of one lane, `FAMILY.flac`; all are made when the first is asked for. None: there is no such lane."""
        folder = self.folder.parent / LANES
        with self._lock:
            if not folder.exists():
                self._write(LANES)
        path = folder / name
        return path if path.parent == folder and path.is_file() else None


def write_at_once(result: Result, folder: Path, picture: Path | None) -> Iterator[dict[str, Any]]:
    """Write what a visitor wants first, and what the rest can be made from later; yields what to tell the server of it.

    Of a piece that was stopped only the notes are kept here: `write_later` does the rest, elsewhere.
    """
    notes = result.piece is not None
    rows = [row for row in TABLE if row.can_be_made(notes=notes) and not row.missing and (notes or not row.slow)]
    names = {row.name: row.file_name(f"{result.name}-{result.seed}", page=True) for row in rows}
    result.record = result.record.with_files(names)
    yield {"names": names, "record": result.record.as_dict(), "step": STEPS["sound_file"], "progress": 1.0}
    if not (notes and result.stopped):
        yield from _first_files(result, folder, names)
    slim = replace(result, dry=None, picture=None)
    # a pickle of our own, in a folder that only this server writes to
    atomic_write(folder / _KEPT, pickle.dumps((slim, picture, names)))


def write_later(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Write one more of the files of a run, from what `write_at_once` kept. kind: a format, `LANES` or `REST`; yields as that does."""
    result, picture, names = pickle.loads((folder / _KEPT).read_bytes())
    if kind == LANES:
        _write_lanes(result, folder / LANES)
    elif kind == REST:
        yield from _first_files(_whole(result, picture), folder, names)
    elif not (folder / "files" / names[kind]).exists():
        _write(_whole(result, picture), folder, names, kind)


def _first_files(result: Result, folder: Path, names: dict[str, str]) -> Iterator[dict[str, Any]]:
    notes = result.piece is not None
    _write(result, folder, names, PLAYED)
    yield {"mark": "sound_s", "record": result.record.as_dict(), "step": STEPS["files"]}
    for kind in names:  # without notes nothing can be played again later
        page = format_named(kind).page
        if kind != PLAYED and (not notes or (page and page.at_once)):
            _write(result, folder, names, kind)
            yield {}


def _write_lanes(result: Result, folder: Path) -> None:
    """The sound of each family, 16 bit, as it is in the mix: their sum is the mix to two steps of 16 bit."""
    import soundfile

    with atomic_folder(folder) as inside:
        for name, stem in result.stems if result.piece is not None else ():
            path = inside / f"{name}.flac"
            with soundfile.SoundFile(path, "w", stem.rate, 2, "PCM_16", format="FLAC") as file:
                for first, last in spans(stem.frames, 1 << 20):
                    file.write(stem.read(first, last).T)


def _write(result: Result, folder: Path, names: dict[str, str], kind: str) -> None:
    path = folder / "files" / names[kind]
    path.parent.mkdir(exist_ok=True)
    format_named(kind).write(result, path, page=True)


def _whole(result: Result, picture: Path | None) -> Result:
    """The result with its picture; its sound is played anew from the notes when it is asked for."""
    from klangbild.picture.load import load_picture

    return replace(result, picture=load_picture(picture, words=result.settings.text)) if picture else result
