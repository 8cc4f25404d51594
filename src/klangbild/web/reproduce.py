"""How to make a piece again elsewhere: the exact command line and the exact Python, from the settings that are not default."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from klangbild.settings import Settings, flag_of


def changed(settings: Settings) -> dict[str, Any]:
    """The fields that differ from their defaults, in order."""
    return {
        field.name: getattr(settings, field.name)
        for field in fields(Settings)
        if getattr(settings, field.name) != field.default
    }


def command(picture: str | None, settings: Settings) -> str:
    """One line for a shell. picture: the file's name, None for words alone.

    >>> command("lake.jpg", Settings(seconds=20.0, seed=7, without=("drums", "lead")))
    'klangbild compose lake.jpg --seconds 20 --seed 7 --without drums,lead'
    """
    if picture and picture.startswith("-"):  # else it would read as a flag
        picture = f"./{picture}"
    parts = ["klangbild", "compose", *([shlex.quote(picture)] if picture else [])]
    for name, value in changed(settings).items():
        flag = flag_of(name)
        if value is True:
            parts.append(flag)
            continue
        text = shlex.quote(_text(name, value))
        # a value that begins with a minus must be glued to its flag
        parts.append(f"{flag}={text}" if text.startswith("-") else f"{flag} {text}")
    return " ".join(parts)


def python(picture: str | None, settings: Settings) -> str:
    """The same in Python.

    >>> print(python("lake.jpg", Settings(seed=7)))
    import klangbild
    klangbild.compose("lake.jpg", seed=7).save("out")
    """
    source = repr(picture).replace("'", '"') if picture and "'" not in picture and '"' not in picture else repr(picture)
    arguments = [source] if picture else []
    for name, value in changed(settings).items():
        value = list(value) if isinstance(value, tuple) else value
        arguments.append(
            f"{name}={Path(value).name!r}" if name in ("soundfont", "continue_from") else f"{name}={value!r}"
        )
    return f'import klangbild\nklangbild.compose({", ".join(arguments)}).save("out")'


def words(name: str | None, settings: Settings, wish: Mapping[str, Any] | None) -> dict[str, str]:
    """{"command", "python"} of a picture's piece, or (wish: what was to be done to it) of a piece's edit."""
    if wish is not None:
        return {"command": edit_command(name, wish), "python": edit_python(name, wish)}
    return {"command": command(name, settings), "python": python(name, settings)}


def edit_command(piece: str | None, wish: Mapping[str, Any]) -> str:
    """One line for a shell that edits a piece.

    >>> edit_command("lake-7.mid", {"bars": "9-16", "part": "strings", "seed": 3})
    'klangbild edit lake-7.mid --bars 9-16 --part strings --seed 3'
    """
    words = ["klangbild", "edit", shlex.quote(f"./{piece}" if piece and piece.startswith("-") else piece or "PIECE")]
    for name, value in wish.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
            continue
        text = shlex.quote(",".join(value) if isinstance(value, (list, tuple)) else _text(name, value))
        words.append(f"{flag}={text}" if text.startswith("-") else f"{flag} {text}")
    return " ".join(words)


def edit_python(piece: str | None, wish: Mapping[str, Any]) -> str:
    """The same in Python."""
    given = "".join(f", {name}={value!r}" for name, value in wish.items())
    return f'import klangbild\nklangbild.edit({piece!r}{given}).save("out")'


def _text(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    if name in ("soundfont", "continue_from"):
        return Path(value).name
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)
