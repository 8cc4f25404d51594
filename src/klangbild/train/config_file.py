"""A run's settings from its TOML file: one reader for every `train` command's dataclass of settings."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import TypeVar

from klangbild.errors import InputError

Config = TypeVar("Config")


def load_config(kind: type[Config], path: Path) -> Config:
    """`path` as a `kind`, a dataclass whose fields all have defaults; what the file does not say keeps its default.

    Raises:
        InputError: missing, no TOML, or a name that is not a field of `kind`.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{path}: there is no such config; see configs/") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: is not TOML ({error}); mend that line") from None
    known = {f.name for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - known):
        raise InputError(f"{path}: '{unknown[0]}' is not a setting; known are {', '.join(sorted(known))}")
    # a TOML array is a tuple here: settings are frozen
    return kind(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
