"""`klangbild data prepare events`: songs to bars of `events` ids with valence and arousal, in one compact file.

As midi-emotion prepares its data: bars as its own encoder cuts them (silent bars and the last one left out), songs with at
least 3 instruments, labels without outliers (1.5 interquartile ranges) and scaled to [-1, 1] by minimum and maximum, the last
5 % of the songs (by name) held out. Arousal is the note density per instrument, computed here, because that is what its
published code uses. Valence was Spotify's, whose endpoint is closed to new users: it comes from a CSV (`file,valence`), or from
the pseudo-labels of a prepared notes file. Songs without a label are kept for training without condition.

One difference, on purpose: with the published slicing one song stands in both splits; here none does.
"""

from __future__ import annotations

import csv
import json
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from klangbild.errors import InputError
from klangbild.models.aria.data.sources import Dropped, Song, read_songs
from klangbild.models.aria.decode_clean import encode_clean
from klangbild.models.aria.decode_strict import encode_strict
from klangbild.models.aria.vocabulary import is_note, parse_note
from klangbild.whole_files import atomic_npz

MIN_INSTRUMENTS = 3
HELDOUT_SHARE = 0.05
OUTLIER_RANGES = 1.5


@dataclass(frozen=True)
class EventsData:
    """Bars of ids, song by song. N ids, B bars, S songs (sorted by name)."""

    ids: np.ndarray
    """(N,) uint16: base ids, without special ones."""
    bar_start: np.ndarray
    """(B + 1,) int64: bar b is ids[bar_start[b]:bar_start[b + 1]]."""
    bar_instruments: np.ndarray
    """(B,) uint8: bit k is set if `INSTRUMENTS[k]` has an event in the bar."""
    song_start: np.ndarray
    """(S + 1,) int64: song s has the bars song_start[s]:song_start[s + 1]."""
    song_name: np.ndarray
    """(S,) str."""
    song_heldout: np.ndarray
    """(S,) bool."""
    valence: np.ndarray
    arousal: np.ndarray
    """(S,) float32 in [-1, 1], NaN where there is no label."""
    about: dict[str, Any]
    """Codec, where the labels come from, licences, what was dropped."""

    @property
    def labelled(self) -> np.ndarray:
        """bool (S,): songs with both labels."""
        return ~(np.isnan(self.valence) | np.isnan(self.arousal))

    def bars(self, first: int, last: int) -> np.ndarray:
        """The ids (n,) of bars first..last-1, int64."""
        return self.ids[self.bar_start[first] : self.bar_start[last]].astype(np.int64)

    def save(self, path: Path) -> None:
        """Write `path` (.npz), whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "about"}
        atomic_npz(path, about=np.array(json.dumps(self.about)), **arrays)

    @staticmethod
    def load(path: Path) -> EventsData:
        """Raises InputError: missing, damaged, or not a prepared events file."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {f.name: stored[f.name] for f in fields(EventsData) if f.name != "about"}
                return EventsData(**arrays, about=json.loads(str(stored["about"])))
        except FileNotFoundError:
            raise InputError(
                f"{path}: there is no such file; make it with 'klangbild data prepare events RAW_DIR'"
            ) from None
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: is not a prepared events file ({error!r}); prepare it again") from None


def prepare_events(
    raw_dir: Path,
    out: Path,
    *,
    labels: Mapping[str, tuple[float, float | None]] | None = None,
    labels_from: str = "none",
    codec: Literal["strict", "clean"] = "strict",
    heldout: set[str] | None = None,
    limit: int | None = None,
) -> EventsData:
    """Read, encode, label, split and write `out`. labels: name -> (valence, arousal or None for the note density).

    heldout: names of the songs to hold out, instead of the last 5 % by name. limit: stop after so many songs.

    Raises:
        InputError: no song is left, or the folder cannot be used. OutputError: `out` cannot be written.
    """
    songs: list[tuple[Song, list[np.ndarray]]] = []
    dropped: list[Dropped] = []
    for song in read_songs(raw_dir):
        if isinstance(song, Dropped):
            dropped.append(song)
            continue
        if song.n_instruments < MIN_INSTRUMENTS:
            dropped.append(Dropped(song.name, f"fewer than {MIN_INSTRUMENTS} instruments"))
            continue
        try:
            bars = encode_strict(song.notes, song.downbeats_s) if codec == "strict" else clean_bars(song)
        except ValueError as error:
            dropped.append(Dropped(song.name, str(error)))
            continue
        songs.append((song, bars))
        if limit is not None and len(songs) >= limit:
            break
    if not songs:
        raise InputError(f"{raw_dir}: no song with at least {MIN_INSTRUMENTS} instruments is left; give more music")
    songs.sort(key=lambda row: row[0].name)
    about = {"codec": codec, "labels": labels_from, "dropped": len(dropped)}
    data = _assembled(songs, dict(labels or {}), heldout, about=about)
    if labels is not None and not data.labelled.any():
        name = data.song_name[0]
        raise InputError(
            f"{labels_from}: labels no song of {raw_dir}; its names must be as here: {name}, or without the folder"
        )
    data.save(out)
    print(
        f"{len(songs)} songs, {len(data.bar_start) - 1} bars, {len(data.ids):,} ids; {int(data.labelled.sum())} labelled, "
        f"{int(data.song_heldout.sum())} held out, {len(dropped)} left out",
        file=sys.stderr,
    )
    return data


def clean_bars(song: Song) -> list[np.ndarray]:
    """The whole song as ids (n,) of each bar, silence and last bar included, cut where a shift passes a downbeat (at
    the id after it)."""
    from klangbild.models.aria.vocabulary import is_shift, shift_ms

    ids = encode_clean(song.notes)
    bars: list[np.ndarray] = []
    now_ms, begin, following = 0, 0, 1
    for index, token in enumerate(ids.tolist()):
        if is_shift(token):
            now_ms += shift_ms(token)
        if following < len(song.downbeats_s) and now_ms >= song.downbeats_s[following] * 1000.0 - 4:
            bars.append(ids[begin : index + 1])
            begin = index + 1
            while following < len(song.downbeats_s) and now_ms >= song.downbeats_s[following] * 1000.0 - 4:
                following += 1
    return [bar for bar in [*bars, ids[begin:]] if len(bar)]


def scaled_labels(values: np.ndarray) -> np.ndarray:
    """Raw labels (n,), NaN where none -> [-1, 1]: outliers beyond 1.5 interquartile ranges become NaN, then min-max."""
    values = np.asarray(values, dtype=np.float64).copy()
    known = ~np.isnan(values)
    if known.sum() < 2:
        return np.full(len(values), np.nan)
    low, high = np.quantile(values[known], [0.25, 0.75])
    reach = OUTLIER_RANGES * (high - low)
    values[known & ((values < low - reach) | (values > high + reach))] = np.nan
    known = ~np.isnan(values)
    least, most = values[known].min(), values[known].max()
    return (values - least) / max(most - least, 1e-12) * 2.0 - 1.0


def read_labels(path: Path) -> dict[str, tuple[float, float | None]]:
    """A CSV with `file`, `valence` and perhaps `arousal`, or a prepared notes file (its pseudo-labels, averaged by song).

    Raises:
        InputError: neither.
    """
    if path.suffix == ".npz":
        return _pseudo_labels(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        if missing := {"file", "valence"} - set(reader.fieldnames or ()):
            raise ValueError(f"no column {', '.join(sorted(missing))}")
        return {
            row["file"]: (float(row["valence"]), float(row["arousal"]) if row.get("arousal") else None)
            for row in rows
            if row.get("valence")
        }
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not a CSV with the columns file, valence (and arousal): {error}") from None


def heldout_of(path: Path) -> set[str]:
    """The held-out songs of a prepared notes file (.npz), where near copies stand on one side."""
    from klangbild.models.bars.data.prepared import NoteData

    data = NoteData.load(path)
    return {str(name) for name in data.piece_name[data.piece_heldout]}


def _pseudo_labels(path: Path) -> dict[str, tuple[float, float | None]]:
    from klangbild.models.bars.data.emotion_labels import NO_LABEL
    from klangbild.models.bars.data.prepared import NoteData

    data = NoteData.load(path)
    labels: dict[str, tuple[float, float | None]] = {}
    known = data.label_source != NO_LABEL
    for piece in np.unique(data.section_piece[known]).tolist():
        mine = known & (data.section_piece == piece)
        labels[str(data.piece_name[piece])] = (float(data.valence[mine].mean()), None)
    return labels


def _assembled(
    songs: list[tuple[Song, list[np.ndarray]]], labels: dict, heldout: set[str] | None, *, about: dict[str, Any]
) -> EventsData:
    bars = [bar for _, mine in songs for bar in mine]
    valence = np.full(len(songs), np.nan)
    arousal = np.full(len(songs), np.nan)
    for index, (song, _) in enumerate(songs):
        label = labels.get(song.name, labels.get(song.name.rpartition("/")[2]))
        # midi-emotion takes a valence of exactly 0.0 for a missing one
        if label is not None and label[0] != 0.0:
            valence[index] = label[0]
            arousal[index] = song.note_density if label[1] is None else label[1]
    valence, arousal = scaled_labels(valence), scaled_labels(arousal)
    is_heldout = np.arange(len(songs)) >= len(songs) - max(round(HELDOUT_SHARE * len(songs)), 1)
    if heldout is not None:
        is_heldout = np.array([song.name in heldout for song, _ in songs])
    licences = sorted({song.licence for song, _ in songs})
    return EventsData(
        ids=np.concatenate([np.empty(0, np.int64), *bars]).astype(np.uint16),
        bar_start=np.cumsum([0, *map(len, bars)]),
        bar_instruments=np.array([_instruments(bar) for bar in bars], np.uint8),
        song_start=np.cumsum([0, *(len(mine) for _, mine in songs)]),
        song_name=np.array([song.name for song, _ in songs]),
        song_heldout=is_heldout,
        valence=valence.astype(np.float32),
        arousal=arousal.astype(np.float32),
        about={**about, "licences": licences, "songs": len(songs)},
    )


def _instruments(bar: np.ndarray) -> int:
    bits = 0
    for token in np.unique(bar).tolist():
        if is_note(token):
            bits |= 1 << parse_note(token)[0]
    return bits
