"""Where `events` training data comes from: MIDI folders (Lakh MIDI among them) and Lakh Pianoroll 5 folders, by layout.

* MIDI: any folder that `note_sets.read_sets` knows. Lakh MIDI's `lmd_full/0/*.mid` and `lmd_matched/A/B/C/TR.../*.mid` are plain
  folders to it. Downbeats follow the file's own meters and tempi.
* Lakh Pianoroll 5: folders of pypianoroll's `.npz`, with tracks Drums, Piano, Guitar, Bass, Strings. As midi-emotion does, one
  constant tempo (the harmonic mean of the tempo track) and 4/4 are assumed, and adjacent cells of a pitch are one note.

References: Raffel (2016), "Learning-based methods for comparing sequences" (Lakh MIDI); Dong et al. (2018), "MuseGAN" (LPD-5).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from klangbild.errors import InputError
from klangbild.models.aria.decode_strict import TimedNote
from klangbild.models.aria.language import timed_notes
from klangbild.models.aria.vocabulary import INSTRUMENTS
from klangbild.models.bars.data.raw_sets import read_sets
from klangbild.music.midi import read_midi

_MAX_S = 1800.0


@dataclass(frozen=True)
class Song:
    """Notes in seconds with their downbeats (seconds), and where the song comes from."""

    name: str
    notes: list[TimedNote]
    downbeats_s: list[float]
    licence: str = "unstated"

    @property
    def n_instruments(self) -> int:
        return len({note.instrument for note in self.notes})

    @property
    def note_density(self) -> float:
        """Notes per second and instrument: what midi-emotion takes for arousal. 0 without notes."""
        if not self.notes:
            return 0.0
        return len(self.notes) / max(max(note.end_s for note in self.notes), 1e-3) / self.n_instruments


@dataclass(frozen=True)
class Dropped:
    """A file that cannot be used, and why."""

    name: str
    why: str


def read_songs(raw_dir: Path) -> Iterator[Song | Dropped]:
    """Every song below a folder: pianorolls if it holds .npz files, else MIDI. Damaged ones come as `Dropped`.

    Raises:
        InputError: the folder is missing or holds neither.
    """
    if not raw_dir.is_dir():
        raise InputError(
            f"{raw_dir}: there is no such folder; give a folder of .mid files or of pypianoroll .npz files"
        )
    rolls = sorted(raw_dir.rglob("*.npz"))
    if rolls:
        for path in rolls:
            name = path.relative_to(raw_dir).as_posix()
            try:
                yield read_pianoroll(path, name=name)
            except InputError as error:
                yield Dropped(name, str(error))
        return
    for raw in read_sets(raw_dir):
        try:
            piece = read_midi(raw.data)
        except InputError as error:
            yield Dropped(raw.name, str(error))
            continue
        if piece.seconds > _MAX_S or piece.n_notes == 0:
            yield Dropped(raw.name, "no notes" if piece.n_notes == 0 else f"longer than {_MAX_S:.0f} s")
            continue
        downbeats = piece.beats_to_seconds(np.array(piece.bar_starts())).tolist()
        yield Song(raw.name, timed_notes(piece), downbeats, raw.licence)


def read_pianoroll(path: Path, *, name: str | None = None) -> Song:
    """A pypianoroll `.npz` (of version 0.x or 1.x) -> song. Raises InputError: it is none, or damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            info = json.loads(archive.read("info.json"))
        resolution = int(info.get("resolution") or info["beat_resolution"])
        with np.load(path, allow_pickle=False) as arrays:
            tempo = np.asarray(arrays["tempo"], dtype=np.float64).ravel()
            rolls = {key: _dense(arrays, key) for key in info if key.isdigit()}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is not a pypianoroll file ({error!r}); leave it out") from None
    tempo = tempo[tempo > 0]
    bpm = 120.0 if len(tempo) == 0 else len(tempo) / float((1.0 / tempo).sum())
    step_s = 60.0 / bpm / resolution
    notes: list[TimedNote] = []
    last = 0
    for key, roll in sorted(rolls.items(), key=lambda item: int(item[0])):
        instrument = str(info[key].get("name", "")).lower()
        if instrument not in INSTRUMENTS:
            raise InputError(
                f"{path}: has a track '{info[key].get('name')}', which Lakh Pianoroll 5 does not have; leave it out"
            )
        last = max(last, len(roll))
        notes += [TimedNote(instrument, p, a * step_s, b * step_s) for p, a, b in _runs(roll > 0)]
    bar_s = 4.0 * 60.0 / bpm
    n_bars = max(int(np.ceil(last * step_s / bar_s - 1e-6)), 2)
    return Song(name or path.name, notes, [i * bar_s for i in range(n_bars)])


def _dense(arrays, key: str) -> np.ndarray:
    """A stored pianoroll, sparse by columns -> (time, 128)."""
    from scipy.sparse import csc_matrix

    prefix = f"pianoroll_{key}_csc_"
    parts = tuple(arrays[prefix + part] for part in ("data", "indices", "indptr"))
    return csc_matrix(parts, shape=tuple(arrays[prefix + "shape"])).toarray()


def _runs(on: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """bool (time, 128) -> (pitch, first step, end step) of each run of True."""
    edges = np.diff(np.pad(on.astype(np.int8), ((1, 1), (0, 0))), axis=0)
    for pitch in np.flatnonzero(on.any(axis=0)).tolist():
        starts, ends = np.flatnonzero(edges[:, pitch] == 1), np.flatnonzero(edges[:, pitch] == -1)
        yield from ((pitch, int(a), int(b)) for a, b in zip(starts, ends, strict=True))
