"""A run's settings from its TOML file: one reader for every `train` command's dataclass of settings."""

from __future__ import annotations

import dataclasses
import difflib
import math
import os
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from klangbild.errors import InputError
from klangbild.input_file import open_input

Config = TypeVar("Config")
_KINDS = {int: "a whole number", float: "a number", str: 'text in quotes ("...")', bool: "true or false"}


def load_config(kind: type[Config], path: Path) -> Config:
    """`path` as a `kind`, a dataclass whose fields all have defaults; what the file does not say keeps its default.

    Raises:
        InputError: missing, no TOML, a name that is not a field of `kind`, or a value of another type than the field's.
    """
    return kind(**checked_values(kind, read_toml(path), where=str(path)))


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises InputError: missing, or no TOML."""
    if not os.path.lexists(path):
        raise InputError(f"{path}: there is no such config; see configs/")
    try:
        with open_input(path) as file:
            return tomllib.load(file)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not TOML ({error}); mend that line") from None


def checked_values(kind: type, values: dict[str, Any], *, where: str) -> dict[str, Any]:
    """What a file says of the fields of a dataclass, arrays as tuples.

    Raises:
        InputError: a name is not a field of `kind` (the nearest is told), or a value is of another type than its field.
    """
    hints = typing.get_type_hints(kind)
    known = [field.name for field in dataclasses.fields(kind)]
    for name in sorted(set(values) - set(known)):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(sorted(known))}"
        raise InputError(f"{where}: '{name}' is not a setting; {hint}")
    return {name: _checked(value, hints[name], f"{where}: {name}") for name, value in values.items()}


def _checked(value: Any, hint: Any, what: str) -> Any:
    """A value that fits a type hint. Raises InputError."""
    kind, parts = typing.get_origin(hint), typing.get_args(hint)
    if kind in (typing.Union, types.UnionType):  # X | None: TOML has no None
        return _checked(value, next(part for part in parts if part is not type(None)), what)
    if kind is typing.Literal:
        if value not in parts:
            raise InputError(f"{what} is {_told(value)}; choose one of {', '.join(map(str, parts))}")
        return value
    if kind is tuple:
        if not isinstance(value, list) or (parts[-1] is not Ellipsis and len(value) != len(parts)):
            many = "several" if parts[-1] is Ellipsis else str(len(parts))
            raise InputError(f"{what} is {_told(value)}; give a list of {many} values: [..., ...]")
        inner = [parts[0]] * len(value) if parts[-1] is Ellipsis else parts
        return tuple(_checked(v, part, f"{what}[{i}]") for i, (v, part) in enumerate(zip(value, inner, strict=True)))
    if kind is dict:
        if not isinstance(value, dict):
            raise InputError(f"{what} is {_told(value)}; give a table: {{ name = value }}")
        return {key: _checked(v, parts[1], f"{what}.{key}") for key, v in value.items()}
    wanted = (int, float) if hint is float else hint
    if hint not in _KINDS:
        return value
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        raise InputError(f"{what} is {_told(value)}; give {_KINDS[hint]}")
    if hint in (int, float) and not (math.isfinite(value) if isinstance(value, float) else abs(value) < 2**63):
        raise InputError(f"{what} is {_told(value)}; give {_KINDS[hint]} that is not endless")
    return value


def _told(value: Any) -> str:
    return (
        f"'{value[:60]}'"
        if isinstance(value, str)
        else str(value)[:60].lower()
        if isinstance(value, bool)
        else str(value)[:60]
    )
