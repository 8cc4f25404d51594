"""What a record must look like before it is played again: every field that is used has its type and its range.

A record is text that anybody may have changed. What is wrong is told by the field's name, like `emotion.asked.valence`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from klangbild.errors import InputError, UsageError
from klangbild.picture.voice import SKYLINE_POINTS, TRAITS
from klangbild.settings import Settings

Check = Callable[[Any, str], None]
SCHEMA = 1
MAX_SEED = 2**32 - 1


def check_shape(record: Any, name: str) -> Settings:
    """The settings of a record that can be played again, with its seed. name: of the file that it is from, for the message.

    Raises:
        InputError: it is none of ours, of another schema, or a field is missing or not what it should be.
    """
    if not isinstance(record, Mapping) or "klangbild" not in record or "seed" not in record:
        raise InputError(f"{name}: is not a klangbild record; only files that klangbild made can be replayed")
    schema = record.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        raise InputError(
            f"{name}: has record schema {str(schema)[:40]}, this klangbild reads schema {SCHEMA}; install the version that made it"
        )
    try:
        _RECORD(record, "")
        return _settings(record)
    except _Wrong as wrong:
        raise InputError(f"{name}: its record is damaged ({wrong}); use another file of the same piece") from None


class _Wrong(Exception):
    """What is wrong where, without the file."""


def _text(value: Any, where: str) -> None:
    if not isinstance(value, str):
        raise _Wrong(f"'{where}' is not text")


def _number(least: float, most: float) -> Check:
    def check(value: Any, where: str) -> None:
        if isinstance(value, bool) or not (
            isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
        ):
            raise _Wrong(f"'{where}' is not a number")
        if not least <= value <= most:
            raise _Wrong(f"'{where}' is not within {least:g} and {most:g}")

    return check


def _whole(least: int, most: int) -> Check:
    def check(value: Any, where: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _Wrong(f"'{where}' is not a whole number")
        if not least <= value <= most:
            raise _Wrong(f"'{where}' is not within {least} and {most}")

    return check


def _or_none(check: Check) -> Check:
    return lambda value, where: None if value is None else check(value, where)


def _every(check: Check) -> Check:
    """Each item of a list."""

    def each(value: Any, where: str) -> None:
        if not isinstance(value, (list, tuple)):
            raise _Wrong(f"'{where}' is not a list")
        for item in value:
            check(item, where)

    return each


def _row(check: Check, length: int) -> Check:
    """A list of so many items."""

    def row(value: Any, where: str) -> None:
        _every(check)(value, where)
        if len(value) != length:
            raise _Wrong(f"'{where}' does not have {length} items")

    return row


def _each_of(check: Check) -> Check:
    """Each value of a table whose names are free."""

    def each(value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise _Wrong(f"'{where}' is not a table")
        for name, item in value.items():
            check(item, f"{where}.{name}")

    return each


def _anything(value: Any, where: str) -> None:
    pass


def _table(needed: Mapping[str, Check], allowed: Mapping[str, Check] | None = None) -> Check:
    """A table with all of `needed` and, where they are there, those of `allowed`; what else it holds is not looked at."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise _Wrong(f"'{where}' is not a table")
        before = f"{where}." if where else ""
        for name, inner in needed.items():
            if name not in value:
                raise _Wrong(f"'{before}{name}' is missing")
            inner(value[name], before + name)
        for name, inner in (allowed or {}).items():
            if name in value:
                inner(value[name], before + name)

    return check


_PLACE = _number(-1.0, 1.0)
_SPREAD = _number(0.0, 100.0)
_MODEL = _table({"name": _text}, {"sha256": _or_none(_text), "licence": _or_none(_text)})
_PICTURE = _table(
    {"name": _text, "sha256": _text}, {"width": _whole(1, 10**9), "height": _whole(1, 10**9), "alt": _text}
)
_EMOTION = _table(
    {
        "valence": _PLACE, "arousal": _PLACE, "valence_spread": _SPREAD, "arousal_spread": _SPREAD, "source": _text,
        "asked": _table({"valence": _PLACE, "arousal": _PLACE}),
    },
    {"kind": _or_none(_table({"taken_for": _text, "sure": _number(0.0, 1.0)}))},
)  # fmt: skip
_LEVEL = _number(-1000.0, 1000.0)
_VOICE = _table(
    {**dict.fromkeys(TRAITS, _PLACE), "skyline": _row(_PLACE, SKYLINE_POINTS), "key": _whole(0, 2**32 - 1)},
    {"gaze": _every(_row(_number(0.0, 1e6), 3))},
)
_POINT = _table({"valence": _PLACE, "arousal": _PLACE})
_STRETCH = _table({"seconds": _number(0.0, 1e6), "asked": _POINT, "heard": _or_none(_POINT)})
_HEARD = _table(
    {"valence": _PLACE, "arousal": _PLACE, "drafts": _whole(1, 1000)}, {"words": _text, "stretches": _every(_STRETCH)}
)
_WISH = _each_of(_anything)
_EDIT = _table(
    {"wish": _WISH, "source": _table({"name": _text, "sha256": _text, "notes": _text, "asked": _POINT})},
    {"before": _every(_WISH)},
)
_SOUND = _table(
    {"rate": _whole(1, 10**6), "seconds": _number(0.0, 1e9), "lufs": _LEVEL, "true_peak_dbtp": _LEVEL},
    {"soundfont": _or_none(_table({"name": _text, "sha256": _text}))},
)
_RECORD = _table(
    {
        "klangbild": _text, "seed": _whole(0, MAX_SEED), "engine": _text, "model": _MODEL, "emotion": _EMOTION,
        "reasons": _every(_text), "settings": _each_of(_anything),
    },
    {
        "picture": _or_none(_PICTURE), "voice": _or_none(_VOICE), "heard": _or_none(_HEARD), "edit": _or_none(_EDIT), "music": _table(
            {}, {"words": _text, "words_heard_as": _each_of(_text), "words_translated": _each_of(_text)},
        ),
        "sound": _or_none(_SOUND), "versions": _each_of(_text), "told": _every(_text),
        "timings_s": _each_of(_number(0.0, 1e9)), "files": _each_of(_text), "device": _text,
    },
)  # fmt: skip


def _settings(record: Mapping[str, Any]) -> Settings:
    """Each setting has the type of its field, then `Settings` looks at ranges and contradictions."""
    given = record["settings"]
    kinds = {knob.name: str(knob.type).split(" | ") for knob in fields(Settings)}
    for name, value in given.items():
        if name not in kinds:
            raise _Wrong(f"'settings.{name}' is no setting of this version")
        if not any(_is_of(value, kind) for kind in kinds[name]):
            raise _Wrong(f"'settings.{name}' is not what it should be ({' or '.join(kinds[name])})")
    try:
        settings = Settings.from_dict(dict(given))
    except UsageError as error:
        raise _Wrong(f"settings: {error}") from None
    if settings.engine != record["engine"]:
        raise _Wrong("'engine' and 'settings.engine' differ")
    return settings.with_seed(record["seed"])


def _is_of(value: Any, kind: str) -> bool:
    if kind == "None":
        return value is None
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "float":
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
        return whole or (isinstance(value, float) and math.isfinite(value))
    if kind.startswith("tuple"):
        return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
    return isinstance(value, str)
