"""MeLBench and extended MusicCaps: triplets of words, music and picture as JSON lines, read and checked.

    {"captions": "a slow piano piece", "location": "audio/0001.wav", "img_path": "images/0001.jpg"}

Paths are absolute or relative to the file's folder. `check` opens every file, since one that cannot be read would stop a
training run after hours. Other keys are kept (`extra`), for example a genre for results by genre.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klangbild.errors import InputError

KEYS = ("captions", "location", "img_path")
MIN_S = 1.0


@dataclass(frozen=True)
class Triplet:
    """One item; the paths are as written, `root` is what relative ones are relative to."""

    captions: str
    location: str
    img_path: str
    root: Path = Path()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def music_file(self) -> Path:
        return self.root / self.location  # an absolute location wins

    @property
    def picture_file(self) -> Path:
        return self.root / self.img_path


@dataclass(frozen=True)
class Problem:
    """What is wrong with one line (counted from 1)."""

    line: int
    message: str


def read_triplets(path: Path, *, root: Path | None = None) -> list[Triplet]:
    """All items of a JSON-lines file.

    Raises:
        InputError: missing, or a line is not such an object (named by its number).
    """
    triplets = []
    for number, line in _lines(path):
        problem = _line_problem(line)
        if problem is not None:
            raise InputError(f"{path}, line {number}: {problem}")
        triplets.append(_triplet(line, root or path.parent))
    return triplets


def check_triplets(
    path: Path, *, root: Path | None = None, open_files: bool = True
) -> tuple[list[Triplet], list[Problem]]:
    """Items that can be used, and what is wrong with the others: form, missing or damaged files, empty words, repetitions.

    Args:
        path: the JSON lines.
        root: of relative paths; the file's folder by default.
        open_files: also read every picture and every sound.

    Raises:
        InputError: the file itself is missing.
    """
    good: list[Triplet] = []
    problems: list[Problem] = []
    seen: Counter[tuple[str, str, str]] = Counter()
    for number, line in _lines(path):
        message = _line_problem(line)
        if message is None:
            triplet = _triplet(line, root or path.parent)
            key = (triplet.captions, triplet.location, triplet.img_path)
            seen[key] += 1
            message = "is a repetition of an earlier line" if seen[key] > 1 else None
            if message is None and open_files:
                message = file_problem(triplet)
        if message is None:
            good.append(triplet)
        else:
            problems.append(Problem(number, message))
    return good, problems


def write_triplets(path: Path, triplets: Iterable[Triplet]) -> None:
    """JSON lines, whole or not at all."""
    from klangbild.whole_files import atomic_write

    lines = [
        json.dumps(
            {"captions": item.captions, "location": item.location, "img_path": item.img_path, **item.extra},
            ensure_ascii=False,
        )
        for item in triplets
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, "".join(f"{line}\n" for line in lines).encode("utf-8"))


def file_problem(triplet: Triplet) -> str | None:
    """Why the picture or the music of an item cannot be used, or None."""
    from klangbild.picture.load import load_picture
    from klangbild.sound.files import read_audio

    try:
        load_picture(triplet.picture_file)
        audio = read_audio(triplet.music_file)
    except InputError as error:
        return str(error)
    if audio.seconds < MIN_S:
        return f"{triplet.music_file}: only {audio.seconds:.2f} s long; give {MIN_S:g} s or more"
    if not audio.samples.any():
        return f"{triplet.music_file}: is silent; leave it out"
    return None


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise InputError(f"{path}: there is no such file; give a .jsonl of triplets") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text ({error.reason}); give a .jsonl of triplets") from None
    return [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _line_problem(line: str) -> str | None:
    try:
        item = json.loads(line)
    except ValueError as error:
        return f"is not JSON ({error})"
    if not isinstance(item, dict):
        return "is no object; it needs captions, location, img_path"
    for key in KEYS:
        if not isinstance(item.get(key), str):
            return f"has no text under {key!r}; it needs captions, location, img_path"
        if not item[key].strip():
            return f"{key!r} is empty"
    return None


def _triplet(line: str, root: Path) -> Triplet:
    item = json.loads(line)
    extra = {key: value for key, value in item.items() if key not in KEYS}
    return Triplet(item["captions"].strip(), item["location"], item["img_path"], root, extra)
