"""The sources of Art2Mus's data, as they lie on disk: ArtGraph's pictures, FMA's tracks, the published pairs and vectors.

    imagesf2/NAME.jpg                              ArtGraph (Zenodo 8172374), or WikiArt's STYLE/NAME.jpg
    fma_large/NNN/NNNNNN.mp3                       FMA; fma_metadata/tracks.csv says licence, genre, title, artist
    image_audio_subset_df.json                     10,000 published pairs, a table as {"Image": {row: name}, "Audio": {...}}
    images.safetensors, audios.safetensors         published ImageBind vectors by relative path

FMA's licences differ from track to track and many forbid derivatives or commercial use: they are carried into manifests.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from klangbild.errors import InputError

UNSTATED = "not stated"
ARTGRAPH_FOLDER = "imagesf2"
ARTGRAPH_LICENCE = "WikiArt pictures, rights with their owners"
_STYLE_COLUMNS = ("style", "Style", "artistic_movement")
_FILE_COLUMNS = ("image", "Image", "file", "filename", "name", "path")


@dataclass(frozen=True)
class FmaTrack:
    """One row of tracks.csv."""

    number: int
    title: str
    genre: str
    licence: str

    @property
    def file(self) -> str:
        """`NNN/NNNNNN.mp3`, relative to the audio folder."""
        return f"{self.number // 1000:03d}/{self.number:06d}.mp3"


def read_fma_tracks(path: Path) -> list[FmaTrack]:
    """`fma_metadata/tracks.csv`, whose header is three rows (group, name, "track_id").

    Raises:
        InputError: missing, or without the columns of FMA.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            groups, names = next(rows), next(rows)
            columns = {(group, name): i for i, (group, name) in enumerate(zip(groups, names, strict=True))}
            at = {
                "title": columns["track", "title"],
                "genre": columns["track", "genre_top"],
                "licence": columns["track", "license"],
            }
            return [
                FmaTrack(number=int(row[0]), **{name: row[i].strip() for name, i in at.items()})
                for row in rows
                if row and row[0].isdigit()
            ]
    except OSError:
        raise InputError(f"{path}: there is no such file; give fma_metadata/tracks.csv") from None
    except (KeyError, ValueError, StopIteration, IndexError) as error:
        raise InputError(f"{path}: is not FMA's tracks.csv ({error!r}); download fma_metadata again") from error


def fma_facts(tracks: list[FmaTrack], files: list[str]) -> dict[str, tuple[str, str]]:
    """(licence, genre) of sound files by their relative names, matched by track number."""
    by_number = {track.number: track for track in tracks}
    facts = {}
    for file in files:
        stem = PurePosixPath(file).stem
        track = by_number.get(int(stem)) if stem.isdigit() else None
        if track is not None:
            facts[file] = (track.licence or UNSTATED, track.genre or "unknown")
    return facts


def picture_facts(
    files: list[str], *, table: Path | None = None, licence: str | None = None, root: str = ""
) -> dict[str, tuple[str, str]]:
    """(licence, style) of pictures by their relative names.

    Args:
        files: as in `pairing_vectors.FileVectors.files`.
        table: a CSV that names a style for each picture (columns such as image, style). Without it the sub-folder is the
            style, as WikiArt lies on disk; pictures without either have style "unknown".
        licence: of all of them, as the caller knows it. Without it: ArtGraph's where they lie in its folder `imagesf2`,
            else not stated: nobody's pictures are called WikiArt's.
        root: the name of the folder that the names start in.

    Raises:
        InputError: the table is missing or has no such columns.
    """
    styles = {} if table is None else _styles(table)
    facts = {}
    for file in files:
        parts = PurePosixPath(file).parts
        folder = parts[-2] if len(parts) > 1 and parts[-2] != ARTGRAPH_FOLDER else "unknown"
        stated = licence or (ARTGRAPH_LICENCE if ARTGRAPH_FOLDER in (root, *parts[:-1]) else UNSTATED)
        facts[file] = (stated, styles.get(parts[-1], folder))
    return facts


def read_descriptions(path: Path) -> dict[str, str]:
    """Words by picture, from any usual caption file.

    `.json`: the published column table (Image, ArtwDesc), or {file: words}; `.jsonl`: objects with a file and a caption;
    `.csv`: two such columns; a folder: one `NAME.txt` beside each picture.

    Raises:
        InputError: missing, or of none of these forms.
    """
    try:
        if path.is_dir():
            return {text.stem: text.read_text(encoding="utf-8").strip() for text in sorted(path.rglob("*.txt"))}
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            return dict(_caption_of(json.loads(line)) for line in text.splitlines() if line.strip())
        if path.suffix == ".csv":
            return dict(_caption_of(row) for row in csv.DictReader(text.splitlines()))
        table = json.loads(text)
        if "Image" in table and "ArtwDesc" in table:
            return {str(table["Image"][row]): str(table["ArtwDesc"][row]) for row in table["Image"]}
        return {str(file): str(words) for file, words in table.items()}
    except OSError:
        raise InputError(
            f"{path}: there is no such caption file; give .json, .jsonl, .csv or a folder of .txt"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is not a caption file we know ({error!r}); give file and caption columns") from error


def _caption_of(row: Mapping[str, str]) -> tuple[str, str]:
    file = next(row[name] for name in (*_FILE_COLUMNS, "img_path") if name in row)
    words = next(
        (row[name] for name in ("caption", "captions", "description", "ArtwDesc", "text") if name in row), None
    )
    if words is None:
        raise KeyError("caption")
    return PurePosixPath(file).name, words


def _styles(table: Path) -> dict[str, str]:
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        columns = rows[0].keys()
        name = next(column for column in _FILE_COLUMNS if column in columns)
        style = next(column for column in _STYLE_COLUMNS if column in columns)
    except OSError:
        raise InputError(f"{table}: there is no such file; give a CSV with columns image and style") from None
    except (IndexError, StopIteration) as error:
        raise InputError(f"{table}: has no columns image and style; rename them so") from error
    return {PurePosixPath(row[name]).name: row[style] or "unknown" for row in rows}
