"""Which pictures a command line means: files, patterns, all pictures of a folder, or `-` for standard input.

The one finder of `compose`, `emotion`, `measure` and `data`: what a folder's pictures are is the same for all of them, and
what is passed over is told.
"""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from klangbild.errors import InputError
from klangbild.file_names import readable
from klangbild.picture.formats import HEIF_SUFFIXES, SUFFIXES, is_picture_name

Source = str | BinaryIO | InputError


@dataclass
class Found:
    """pictures: (label, source for `load_picture`; or an `InputError` to raise in its turn), in order.

    passed_over: names of files that are no pictures or cannot be read here. not_entered: how many sub-folders. twice: labels
    of what had been found before. heif: how many of what was passed over are HEIC or AVIF.
    """

    pictures: list[tuple[str, Source]] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    not_entered: int = 0
    twice: list[str] = field(default_factory=list)
    heif: int = 0

    def told(self) -> list[str]:
        """Lines that say what was not taken, and why; none where all was."""
        parts = []
        if count := len(self.passed_over):
            few = ", ".join(readable(name) for name in self.passed_over[:5]) + (", ..." if count > 5 else "")
            parts.append(f"{_count(count, 'file')} passed over: {few}")
        if self.not_entered:
            parts.append(f"{_count(self.not_entered, 'sub-folder')} not entered (-r enters them)")
        lines = ["; ".join(parts)] if parts else []
        if self.heif:
            lines.append(f"{self.heif} of them HEIC or AVIF, which pip install 'klangbild[heif]' reads")
        lines += [f"{readable(name)}: given twice, taken once" for name in self.twice[:5]]
        if len(self.twice) > 5:
            lines.append(f"{len(self.twice) - 5} more given twice, taken once")
        return lines


def find_pictures(arguments: Sequence[str], *, recursive: bool = False, stdin: BinaryIO | None = None) -> Found:
    """What the arguments mean. A folder gives its pictures by name, with `recursive` those of its sub-folders too.

    A path that does not exist, a pattern that nothing fits and a folder without pictures are passed on, so that each fails in its
    turn and not the whole batch. A pattern such as *.jpg that the shell left alone is expanded, unless a file has that name.
    """
    found, seen = Found(), set()
    for argument in arguments:
        if argument == "-":
            found.pictures.append(("-", stdin if stdin is not None else sys.stdin.buffer))
        elif os.path.isdir(argument):  # noqa: PTH112 - a name with a zero byte is no error here
            pictures = _of_folder(argument, found, recursive=recursive)
            if not pictures:
                found.pictures.append((argument, _empty(argument, found)))
            _add(found, pictures, seen)
        elif _is_pattern(argument):
            _expand(argument, found, seen, recursive=recursive)
        else:
            _add(found, [argument], seen)
    return found


def pictures_below(folder: Path, *, recursive: bool = True) -> list[Path]:
    """The pictures of a folder (and its sub-folders), sorted; none where there is no such folder."""
    return [Path(path) for path in _of_folder(str(folder), Found(), recursive=recursive)] if folder.is_dir() else []


def _add(found: Found, paths: Sequence[str], seen: set[str]) -> None:
    for path in paths:
        real = os.path.realpath(path) if "\0" not in path else path
        if real in seen:
            found.twice.append(path)
        else:
            seen.add(real)
            found.pictures.append((path, path))


def _of_folder(folder: str, found: Found, *, recursive: bool) -> list[str]:
    """Its pictures in the order of their names; files before sub-folders. What is not taken is noted in `found`."""
    pictures: list[str] = []
    entered: set[tuple[int, int]] = set()

    def enter(place: str) -> None:
        try:
            status = os.stat(place)  # noqa: PTH116
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            found.passed_over.append(f"{place} ({error.strerror or error})")
            return
        # a link may lead back up
        if (status.st_dev, status.st_ino) in entered:
            return
        entered.add((status.st_dev, status.st_ino))
        below = []
        for entry in entries:
            suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
            if entry.is_dir():
                if not entry.name.startswith(".") and entry.name != "__MACOSX":
                    below.append(entry.path)
            elif entry.name.startswith("."):
                # a hidden file is passed over without a word, but not one that looks like a picture
                if suffix in SUFFIXES or suffix in HEIF_SUFFIXES:
                    found.passed_over.append(entry.name)
            elif is_picture_name(suffix) and entry.is_file():
                pictures.append(entry.path)
            else:
                found.passed_over.append(entry.name)
                found.heif += suffix in HEIF_SUFFIXES
        if recursive:
            for path in below:
                enter(path)
        else:
            found.not_entered += len(below)

    enter(folder)
    return pictures


def _is_pattern(argument: str) -> bool:
    sure = "://" not in argument and "\0" not in argument and len(argument) < 4096
    return sure and any(sign in argument for sign in "*?[") and not os.path.lexists(argument)


def _expand(pattern: str, found: Found, seen: set[str], *, recursive: bool) -> None:
    """What a shell would have made of a pattern; of its files those that are pictures by name, or all if none is."""
    try:
        fitting = sorted(glob.glob(os.path.expanduser(pattern), recursive=True))  # noqa: PTH207, PTH111
    except (OSError, ValueError, RecursionError):
        fitting = []
    files = [path for path in fitting if not os.path.isdir(path)]  # noqa: PTH112
    if "**" in pattern:  # which follows links that lead back up: the same file again is not the caller's doing
        files = list({os.path.realpath(path): path for path in reversed(files)}.values())[::-1]
    pictures = [path for path in files if is_picture_name(os.path.splitext(path)[1])] or files  # noqa: PTH122
    for path in files:
        if path not in pictures:
            found.passed_over.append(path)
            found.heif += os.path.splitext(path)[1].lower() in HEIF_SUFFIXES  # noqa: PTH122
    _add(found, pictures, seen)
    for path in (path for path in fitting if path not in files and "**" not in pattern):
        if os.path.isdir(path) and (recursive or not files):  # noqa: PTH112
            _add(found, _of_folder(path, found, recursive=recursive), seen)
        else:
            found.not_entered += 1
    if not fitting:
        found.pictures.append((pattern, InputError(f"{readable(pattern)}: no file fits this pattern; check the path")))


def _empty(folder: str, found: Found) -> InputError:
    hint = " (its HEIC or AVIF files are read with pip install 'klangbild[heif]')" if found.heif else ""
    below = ", or -r to look into its sub-folders" if found.not_entered else ""
    return InputError(
        f"{readable(folder)}: this folder holds no pictures{hint}; give one with JPEG, PNG or WebP files{below}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number != 1 else "")
