"""Every field of `Settings` as the page and the REST API show and read it.

Label, help, range, choices and default come from the field itself. Where the command line takes a path of this machine (model,
SoundFont, a MIDI file to go on from), a visitor may only choose among what is installed, or send a file of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from typing import Any

from klangbild.errors import KlangbildError, UsageError
from klangbild.settings import DEFAULT_SECONDS, ENGINES, Settings, flag_of
from klangbild.web.texts import CONDITIONING_WORDS, LABELS

MOST_LETTERS = 2000


@dataclass(frozen=True)
class Knob:
    """One setting as a form field.

    kind: "number", "whole", "choice", "many" (some of the choices), "words", "switch" or "file". choices: (value, words) pairs.
    unavailable: choices that exist but are not installed here. low, high: inclusive. engines: who listens to it.
    """

    name: str
    label: str
    help: str
    kind: str
    group: str
    default: Any
    low: float | None = None
    high: float | None = None
    choices: tuple[tuple[str, str], ...] = ()
    unavailable: tuple[str, ...] = ()
    engines: tuple[str, ...] = ENGINES

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values, as `GET /v1/settings` gives them."""
        return asdict(self)


def knobs() -> tuple[Knob, ...]:
    """All fields of `Settings`, in order."""
    return tuple(_knob(field) for field in fields(Settings))


def installed_engines() -> tuple[str, ...]:
    """The engines that can run here: notes always; a sound engine when our small model's files for it are there, or torch
    and a published model of its kind."""
    from klangbild import hub
    from klangbild.diffusion.small_model import installed_pictures

    found = set(installed_pictures())
    if find_spec("torch") and find_spec("diffusers"):
        found |= {folder.kind for folder in hub.added()}
    return ("notes", *(name for name in ENGINES[1:] if name in found))


def read_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a form or a JSON body asks for -> keyword arguments of `Settings`; empty fields are left out.

    Raises:
        UsageError: a name is not a setting, or a value names something that is not installed here.
    """
    known = {knob.name: knob for knob in knobs()}
    given = {}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"'{name}' is not a setting; GET /v1/settings lists them")
        if value is None or (isinstance(value, (str, list, tuple)) and not value):
            continue
        if known[name].kind == "file":
            raise UsageError(f"{flag_of(name)} needs a file, not a name; send the MIDI file itself in a form")
        value = _read(known[name], value)
        if value is not None:
            given[name] = value
    return given


def plain_sentence(error: KlangbildError, *, folder: str = "") -> tuple[str, str | None]:
    """(the one sentence to show, the field it belongs to or None): flags by their labels, no path of this machine."""
    message = str(error)
    if folder:
        message = message.replace(folder.rstrip("/") + "/", "")
    field, first = None, len(message)
    for setting in fields(Settings):
        flag = re.compile(re.escape(flag_of(setting.name)) + r"(?![\w-])")
        found = flag.search(message)
        if found:
            if found.start() < first:
                field, first = setting.name, found.start()
            message = flag.sub(label_of(setting.name), message)
    names_a_file = "." in message.split(" ", 1)[0]
    return message if names_a_file else message[:1].upper() + message[1:], field


def label_of(name: str) -> str:
    """What the page calls a setting."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _knob(field: Any) -> Knob:
    meta, kind = field.metadata, str(field.type)
    choices, unavailable = _choices(field.name, tuple(str(c) for c in meta.get("choices", ())))
    if field.name == "continue_from":
        form = "file"
    elif "items" in meta:
        form, choices = "many", tuple((item, item) for item in meta["items"])
    elif choices:
        form = "choice"
    elif "min" in meta:
        form = "whole" if "int" in kind else "number"
    else:
        form = "switch" if field.default is False else "words"
    default = DEFAULT_SECONDS if field.name == "seconds" else field.default
    return Knob(
        field.name, label_of(field.name), meta["help"], form, meta["group"], default, meta.get("min"), meta.get("max"),
        choices, unavailable, _engines(meta),
    )  # fmt: skip


def _engines(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Who listens to a setting when it plays what ships."""
    from klangbild.unheard import writes_notes

    engines = tuple(meta.get("engines", ENGINES))
    if not meta.get("needs_notes"):
        return engines
    return tuple(engine for engine in engines if writes_notes(Settings(engine=engine)))


def _choices(name: str, listed: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """(value, words) of what can be chosen, and the values that are not installed."""
    from klangbild import hub, hub_aria
    from klangbild.notes.models import SHIPPED, shipped_conditionings

    if name == "engine":
        return tuple((engine, engine) for engine in installed_engines()), ()
    if name == "model":
        models = []
        for folder in hub.added():
            if folder.kind != "emotion":
                models += [folder.name, f"{folder.name}:int8"] if folder.kind == hub_aria.KIND else [folder.name]
        return tuple((model, model) for model in (SHIPPED, *models)), ()
    if name == "emotion_model":
        readers = [
            folder.name for folder in hub.added() if folder.kind == "emotion" or folder.config.get("image_encoder")
        ]
        return tuple((reader, reader) for reader in dict.fromkeys(("klangbild", "features", *readers))), ()
    if name == "soundfont":
        from klangbild.sound.fonts import list_soundfonts

        return tuple((font.name, font.stem) for font in list_soundfonts()), ()
    if name == "device":
        return tuple((device, device) for device in ("cpu", "auto", "cuda")), ()
    if name == "conditioning":
        missing = tuple(mode for mode in listed if mode not in shipped_conditionings())
        return tuple((mode, CONDITIONING_WORDS[mode]) for mode in listed), missing
    return tuple((choice, choice) for choice in listed), ()


def _read(knob: Knob, value: Any) -> Any:
    if knob.kind == "many":
        parts = value.split(",") if isinstance(value, str) else list(value)
        return tuple(str(part).strip().lower() for part in parts if str(part).strip()) or None
    if knob.kind == "switch":
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "yes", "on")
    if knob.name in ("model", "emotion_model", "soundfont", "device"):
        return _installed(knob, str(value))
    if knob.name == "image_tokens":
        return _number(value, whole=True)
    if knob.kind in ("number", "whole"):
        return _number(value, whole=knob.kind == "whole")
    if isinstance(value, bool):
        return value
    if len(str(value)) > MOST_LETTERS:
        raise UsageError(f"{flag_of(knob.name)} is longer than {MOST_LETTERS} letters; say it shorter")
    return str(value).strip() or None


def _number(value: Any, *, whole: bool) -> Any:
    """Text -> number; what does not read stays as it is, so that `Settings` complains in its own words."""
    if isinstance(value, float) and whole and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and not whole:
        return float(value)
    if not isinstance(value, str):
        return value
    for convert in (int, float) if whole else (float,):
        try:
            return convert(value.strip())
        except ValueError:
            continue
    return value.strip()


def _installed(knob: Knob, value: str) -> str | None:
    names = [choice for choice, _ in knob.choices]
    if value not in names:
        raise UsageError(f"{flag_of(knob.name)} '{value}' is not installed here; choose from {', '.join(names)}")
    if knob.name == "soundfont":
        # the first one is what plays when none is named; the others go by name, so that no record holds a path of this machine
        return None if value == names[0] else value
    return None if knob.name == "model" and value == names[0] else value
