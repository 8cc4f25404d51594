"""Which pictures a command line means: files, all pictures of a folder, or `-` for standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from klangbild.errors import InputError

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
    | {".tga", ".ico", ".pcx", ".jp2", ".j2k", ".mpo", ".avif"}
)


def find_pictures(arguments: Sequence[str], *, stdin: BinaryIO | None = None) -> list[tuple[str, str | BinaryIO]]:
    """[(label, source for `load_picture`), ...] in order; a folder gives its pictures by name, not those below it.

    A path that does not exist is passed on, so that it fails in its turn and not the whole batch.

    Raises:
        InputError: a folder without any picture in it.
    """
    found: list[tuple[str, str | BinaryIO]] = []
    for argument in arguments:
        if argument == "-":
            found.append(("-", stdin if stdin is not None else sys.stdin.buffer))
        elif Path(argument).is_dir():
            inside = sorted(p for p in Path(argument).iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
            if not inside:
                raise InputError(f"{argument}: no pictures in this folder; give one with JPEG, PNG or WebP files")
            found += [(str(path), str(path)) for path in inside]
        else:
            found.append((argument, argument))
    return found
