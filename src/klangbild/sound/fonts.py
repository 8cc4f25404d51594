"""Which SoundFont plays: the one asked for, the one named in the environment, the default one, or one of the system's.

The default is TimGM6mb (6 MB, General MIDI), which the wheel of pretty_midi carries; its file is used, its code is not.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from klangbild.errors import InputError, NotAvailableError, no_such_file
from klangbild.sound.font_file import is_soundfont

ENVIRONMENT_VARIABLE = "KLANGBILD_SOUNDFONT"
DEFAULT_FONT = "TimGM6mb.sf2"
_SUFFIXES = (".sf2", ".sf3")
BETTER_FONT = "musescore_general"
_BETTER_PACKAGE = "musescore-general-soundfont-small"
_BETTER_WHAT = (
    "MuseScore General, MIT, 40 MB: 11 to 17 dB more above 8 kHz in calm pieces, a piano whose loud notes open"
)
_LICENCES = (
    (r"\bMIT\b", "MIT"),
    (r"public domain|\bCC0\b", "public domain"),
    (r"\bCC[ -]BY[ -]SA\b|attribution-?share-?alike", "CC BY-SA"),
    (r"\bCC[ -]BY[ -]NC\b|non-?commercial", "not for commercial use"),
    (r"\bCC[ -]BY\b|creative commons attribution", "CC BY"),
    (r"\bL?GPL|general public licen[cs]e", "GPL"),
)
# by the beginning of a name, where the font itself is silent
_KNOWN_LICENCES = {
    "timgm6mb": "GPL-2",
    "fluidr3": "MIT",
    BETTER_FONT: "MIT",
    "generaluser": "GeneralUser GS licence 2.0",
}


def find_soundfont(given: str | Path | None = None) -> Path:
    """The SoundFont to play with: `given`, else $KLANGBILD_SOUNDFONT, else TimGM6mb, else the first one of the system.

    A bare name that is no file of this folder, with or without its ending, is looked for among those of `list_soundfonts`.

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


def find_again(named: str | None, about: Mapping[str, str] | None) -> str | None:
    """What a record's `--soundfont` is here: the same where that is found; else a font of the same content, or None: the default plays.

    named: as it was given then. about: what the record says of what played (`about_soundfont`), where it knows."""
    if named is None:
        return None
    path = _known(Path(named).expanduser())
    if path.is_file():
        return named
    for font in list_soundfonts() if about else ():
        if font.stem.casefold() == Path(named).stem.casefold() or about_soundfont(font)["sha256"] == about["sha256"]:
            return font.name
    return None


@dataclass(frozen=True)
class FontFacts:
    """A SoundFont as `klangbild fonts` lists it. licence: as the font or its makers state it, "not stated" where neither does.
    instruments, kits: how many it has."""

    name: str
    path: str
    megabytes: float
    licence: str
    instruments: int
    kits: int


def describe(path: Path) -> FontFacts:
    """What a font is, from its index. Raises InputError: it is damaged."""
    from klangbild.sound.soundfont import DRUM_BANK, SoundFont

    font = SoundFont.open(path)
    kits = sum(bank == DRUM_BANK for bank, _ in font.presets)
    size = round(path.stat().st_size / 1e6, 1)
    return FontFacts(path.name, str(path), size, licence_of(path.name, font.texts()), len(font.presets) - kits, kits)


def licence_of(file_name: str, texts: Mapping[str, str]) -> str:
    """A font's licence: what it says itself, or what the makers of a well-known one say elsewhere."""
    said = " ".join(texts.get(name, "") for name in ("copyright", "comment"))
    for pattern, licence in _LICENCES:
        if re.search(pattern, said, re.IGNORECASE):
            return licence
    stem = Path(file_name).stem.casefold()
    return next((licence for start, licence in _KNOWN_LICENCES.items() if stem.startswith(start)), "not stated")


def better_font() -> str:
    """The one command that brings a better font than the default, and what it improves; "" where it is here already."""
    if any(font.name.casefold().startswith(BETTER_FONT) for font in list_soundfonts()):
        return ""
    if sys.platform == "linux" and shutil.which("apt-get"):
        return f"sudo apt-get install {_BETTER_PACKAGE} ({_BETTER_WHAT})"
    return f"MuseScore_General.sf3 from musescore.org into {_system_folders()[0]} ({_BETTER_WHAT})"


def list_soundfonts() -> list[Path]:
    """Every SoundFont found without being told where: the default one first, then the system's by folder and name; each file once, by
    its own name rather than that of a link to it."""
    found = [path for path in (_bundled(),) if path]
    for folder in _system_folders():
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
            found += [path for path in files if is_soundfont(path)]
        except OSError:  # a folder that is not there or not ours to read holds no font for us
            continue
    unique: dict[Path, Path] = {}
    for path in found:
        if unique.setdefault(path.resolve(), path).is_symlink() and not path.is_symlink():
            unique[path.resolve()] = path
    return list(unique.values())


def _known(path: Path) -> Path:
    if path.is_file() or path.name != str(path):
        return path
    fonts, wanted = list_soundfonts(), path.name.casefold()
    for same in (lambda font: font.name.casefold() == wanted, lambda font: font.stem.casefold() == wanted):
        for font in fonts:
            if same(font):
                return font
    return path


def _checked(path: Path, source: str) -> Path:
    if not path.is_file():
        if re.match(r"[a-z]{2,}:/", str(path), re.IGNORECASE):
            raise no_such_file(path, "SoundFont")
        raise NotAvailableError(
            f"{path}: there is no such SoundFont; check {source} ('klangbild fonts' lists those that are here), or leave it out to use "
            f"{DEFAULT_FONT}"
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
