"""Which SoundFont plays: the one asked for, the one named in the environment, the default one, or one of the system's.

The default is TimGM6mb (6 MB, General MIDI), which the wheel of pretty_midi carries; its file is used, its code is not.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from klangbild.errors import InputError, NotAvailableError, no_such_file
from klangbild.sound.font_file import is_soundfont

ENVIRONMENT_VARIABLE = "KLANGBILD_SOUNDFONT"
DEFAULT_FONT = "TimGM6mb.sf2"
_SUFFIXES = (".sf2", ".sf3")


def find_soundfont(given: str | Path | None = None) -> Path:
    """The SoundFont to play with: `given`, else $KLANGBILD_SOUNDFONT, else TimGM6mb, else the first one of the system.

    A bare file name that is not in this folder is looked for among those of `list_soundfonts`.

    Raises:
        NotAvailableError: the font asked for does not exist, or there is none at all.
        InputError: the file asked for is not an SF2 or SF3 SoundFont.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    for source, path in (("--soundfont", given), (ENVIRONMENT_VARIABLE, named)):
        if path:
            return _checked(_known(Path(path).expanduser()), source)
    fonts = list_soundfonts()
    if not fonts:
        raise NotAvailableError(
            "no SoundFont was found on this machine; run 'pip install pretty_midi' or name one with --soundfont FILE.sf2"
        )
    return fonts[0]


def about_soundfont(path: Path) -> dict[str, str]:
    """What a record says of the SoundFont that played: its name and its content's hash."""
    status = path.stat()
    return {"name": path.name, "sha256": _hash(path, status.st_mtime_ns, status.st_size)}


@lru_cache(maxsize=8)
def _hash(path: Path, _changed_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_soundfonts() -> list[Path]:
    """Every SoundFont found without being told where: the default one first, then the system's by folder and name."""
    found = [path for path in (_bundled(),) if path]
    for folder in _system_folders():
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
            found += [path for path in files if is_soundfont(path)]
        except OSError:  # a folder that is not there or not ours to read holds no font for us
            continue
    unique: dict[Path, Path] = {}
    for path in found:
        unique.setdefault(path.resolve(), path)
    return list(unique.values())


def _known(path: Path) -> Path:
    if path.is_file() or path.name != str(path):
        return path
    return next((font for font in list_soundfonts() if font.name == path.name), path)


def _checked(path: Path, source: str) -> Path:
    if not path.is_file():
        if re.match(r"[a-z]{2,}:/", str(path), re.IGNORECASE):
            raise no_such_file(path, "SoundFont")
        raise NotAvailableError(
            f"{path}: there is no such SoundFont; check {source}, or leave it out to use {DEFAULT_FONT}"
        )
    try:
        if is_soundfont(path):
            return path
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    raise InputError(f"{path}: is not a SoundFont (SF2 or SF3); give another file with {source}")


def _bundled() -> Path | None:
    """TimGM6mb.sf2 inside the folder of pretty_midi, found without importing it."""
    spec = find_spec("pretty_midi")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / DEFAULT_FONT
        if path.is_file() and is_soundfont(path):
            return path
    return None


def _system_folders() -> list[Path]:
    home = Path.home()
    folders = [
        home / ".local/share/soundfonts",
        home / ".local/share/sounds/sf2",
        home / ".local/share/sounds/sf3",
        Path("/usr/local/share/soundfonts"),
        Path("/usr/share/soundfonts"),
        Path("/usr/share/sounds/sf2"),
        Path("/usr/share/sounds/sf3"),
    ]
    if sys.platform == "darwin":
        folders += [home / "Library/Audio/Sounds/Banks", Path("/Library/Audio/Sounds/Banks")]
    if sys.platform == "win32":
        folders += [Path(os.environ.get("PROGRAMDATA", "C:/ProgramData")) / "soundfonts", Path("C:/soundfonts")]
    return folders
