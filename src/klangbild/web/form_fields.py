"""Every field of `Settings` as the page and the REST API show and read it.

Label, help, range, choices and default come from the field itself. Where the command line takes a path of this machine (model,
SoundFont, a MIDI file to go on from), a visitor may only choose among what is installed, or send a file of their own.

Values come typed (JSON) or as text (forms, queries): a typed one must be of its setting's own type, a text must read as it.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from klangbild.errors import KlangbildError, UsageError
from klangbild.models.registry import ENGINES, engines_hearing
from klangbild.settings import DEFAULT_SECONDS, Settings, flag_of
from klangbild.web.texts import CONDITIONING_WORDS, LABELS

MAX_LETTERS = 2000
MAX_SHOWN = 80
_TEMPORARY = re.compile(r"/(?:[^/\n]+/)*?(?:pictures|runs)/[\w-]{22}/(?:(?:picture|before|files)/)?")
# where a path stands by itself ("PATH: what is wrong", or in quotes) its folders may hold spaces
_SPACED = re.compile(r"(?:^|(?<=: )|(?<='))(?:[A-Za-z]:)?[/\\](?!v1/)[^:'\n]*[/\\](?=[^:'/\\\n]+(?:: |'))")
_FOLDERS = re.compile(r"(?<![\w/\\:.\])])(?:[A-Za-z]:[/\\]|/(?!v1/))(?:[^\s/\\'\":;,()]+[/\\])*(?=[^\s/\\])")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True)
class FormField:
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


def form_fields() -> tuple[FormField, ...]:
    """All fields of `Settings`, in order."""
    return tuple(_form_field(field) for field in fields(Settings))


def installed_engines() -> tuple[str, ...]:
    """The engines that can run here: notes always; a sound engine when our sound model's files for it are there, or torch
    and a published model of its kind."""
    from klangbild import hub
    from klangbild.models.plan.base import installed_pictures

    found = set(installed_pictures())
    if find_spec("torch") and find_spec("diffusers"):
        found |= {folder.kind for folder in hub.added()}
    return ("notes", *(name for name in ENGINES[1:] if name in found))


def read_settings(values: Mapping[str, Any], *, typed: bool = False) -> dict[str, Any]:
    """What a form or a JSON body asks for -> keyword arguments of `Settings`; empty fields and null are left out.

    typed: values are JSON's own; else all of them are text.

    Raises:
        UsageError: a name is not a setting, a value is of another type, or names something that is not installed here.
    """
    known = {field.name: field for field in form_fields()}
    given = {}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"'{name[:MAX_SHOWN]}' is not a setting; GET /v1/settings lists them")
        if value is None or (isinstance(value, (str, list)) and not value and _may_be_empty(known[name], value, typed)):
            continue
        if known[name].kind == "file":
            raise UsageError(f"{flag_of(name)} needs a file, not a name; send the MIDI file itself in a form")
        value = _typed(known[name], value) if typed else _from_text(known[name], value)
        if value is not None:
            given[name] = value
    return given


def plain_sentence(error: KlangbildError, *, folder: str = "", settings: bool = True) -> tuple[str, str | None]:
    """(the one sentence to show, the field it belongs to or None): flags by their labels, no path of this machine. settings: False where
    the flags are not those of settings, and their names are words enough."""
    message = str(error)
    if folder:
        message = message.replace(folder.rstrip("/") + "/", "")
    message = without_folders(message)
    field, first = getattr(error, "field", None), len(message)
    if field:
        first = -1
    message = message if settings else re.sub(r"(?<![\w-])--(?=[a-z])", "", message)
    for setting in fields(Settings) if settings else ():
        flag = re.compile(re.escape(flag_of(setting.name)) + r"(?![\w-])")
        found = flag.search(message)
        if found:
            if found.start() < first:
                field, first = setting.name, found.start()
            message = flag.sub(label_of(setting.name), message)
    names_a_file = "." in message.split(" ", 1)[0]
    return message if names_a_file else message[:1].upper() + message[1:], field


def without_folders(message: str) -> str:
    """A message without any folder of this machine: only the last part of a path is left.

    >>> without_folders("/tmp/klangbild-a1/pictures/AAAAAAAAAAAAAAAAAAAAAA/picture/my lake.png: is text; see https://a.example/b/c")
    'my lake.png: is text; see https://a.example/b/c'
    """
    for folder in (tempfile.gettempdir(), str(Path.home()), str(Path(__file__).resolve().parents[1])):
        message = message.replace(folder.rstrip("/\\") + os.sep, os.sep)
    return _FOLDERS.sub("", _SPACED.sub("", _TEMPORARY.sub("", message)))


def label_of(name: str) -> str:
    """What the page calls a setting."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _form_field(field: Any) -> FormField:
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
    return FormField(
        field.name, label_of(field.name), re.sub(",? or a folder", "", meta["help"]), form, meta["group"], default, meta.get("min"), meta.get("max"),
        choices, unavailable, engines_hearing(field.name),
    )  # fmt: skip


def _choices(name: str, listed: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """(value, words) of what can be chosen, and the values that are not installed."""
    from klangbild import hub
    from klangbild.models.aria import card as hub_aria
    from klangbild.models.bars.weights import SHIPPED, shipped_conditionings

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
        return tuple((font, Path(font).stem) for font in _fonts_that_open()), ()
    if name == "device":
        # of ours none computes on a GPU, and whether there is one is seen without loading torch
        usable = bool(hub.added()) and any(Path(sign).exists() for sign in _SIGNS_OF_A_GPU)
        return tuple((device, device) for device in ("cpu", "auto", "cuda")), () if usable else ("cuda",)
    if name == "sampler":
        theirs = any(folder.kind == hub_aria.KIND for folder in hub.added())
        return tuple((choice, choice) for choice in listed), () if theirs else ("midi-emotion",)
    if name == "conditioning":
        missing = tuple(mode for mode in listed if mode not in shipped_conditionings())
        return tuple((mode, CONDITIONING_WORDS[mode]) for mode in listed), missing
    return tuple((choice, choice) for choice in listed), ()


_SIGNS_OF_A_GPU = ("/dev/nvidia0", "/dev/dxg", "/dev/nvhost-gpu", "C:/Windows/System32/nvcuda.dll")


def _fonts_that_open() -> tuple[str, ...]:
    """The SoundFonts of this machine by name, each once, whose index can be read."""
    from klangbild.sound.fonts import list_soundfonts
    from klangbild.sound.soundfont import SoundFont

    found: dict[str, str] = {}
    for font in list_soundfonts():
        with contextlib.suppress(KlangbildError, OSError):
            if font.name.casefold() not in found:
                SoundFont.open(font)
                found[font.name.casefold()] = font.name
    return tuple(found.values())


def json_type(field: FormField) -> str:
    """ "number", "integer", "boolean", "array" or "string": what a setting's value is in JSON."""
    if field.name == "image_tokens":
        return "integer"
    return {"number": "number", "whole": "integer", "switch": "boolean", "many": "array"}.get(field.kind, "string")


def _may_be_empty(field: FormField, value: Any, typed: bool) -> bool:
    """Whether an empty value means "not given": any empty text of a form, in JSON an empty string or list of its own type."""
    kind = json_type(field)
    return not typed or kind == "array" or (kind == "string" and isinstance(value, str))


def _typed(field: FormField, value: Any) -> Any:
    """A JSON value, checked for its type."""
    kind, flag = json_type(field), flag_of(field.name)
    if kind == "array":
        if isinstance(value, str):
            return _from_text(field, value)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise UsageError(f"{flag} {shown(value)} is not a list of names; give names from {_listed(field)}")
        return tuple(words(flag, item).strip().lower() for item in value)
    if kind == "string":
        if not isinstance(value, str):
            raise UsageError(f"{flag} {shown(value)} is not text; give it in quotes")
        return _from_text(field, value)
    if kind == "boolean":
        if not isinstance(value, bool):
            raise UsageError(f"{flag} {shown(value)} is neither true nor false; give one of them")
        return value
    if isinstance(value, str) and field.name == "loudness":
        return _from_text(field, value)
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise UsageError(f"{flag} {shown(value)} is not {_a_number(field)}; give {_a_number(field)}{_between(field)}")
    if kind == "integer":
        return int(value) if isinstance(value, float) and value.is_integer() else value
    return float(value) if isinstance(value, int) and abs(value) < 2**53 else value


def _from_text(field: FormField, text: str) -> Any:
    """What the words of a form or query mean for a setting."""
    kind, flag = json_type(field), flag_of(field.name)
    text = words(flag, text).strip()
    if kind == "array":
        return tuple(part.strip().lower() for part in text.split(",") if part.strip()) or None
    if kind == "boolean":
        if text.lower() not in _YES + _NO:
            raise UsageError(f"{flag} {shown(text)} is neither true nor false; give one of them")
        return text.lower() in _YES
    if field.name in ("hits", "path"):
        text = with_points(text)
    if field.name == "key":
        text = _key(text)
    if kind in ("number", "integer"):
        # what does not read stays as it is, so that `Settings` complains in its own words
        return _number(text, whole=kind == "integer") if text else None
    if field.name in ("model", "emotion_model", "soundfont", "device"):
        return _installed(field, text)
    if len(text) > MAX_LETTERS:
        raise UsageError(f"{flag} is longer than {MAX_LETTERS} letters; say it shorter")
    return text or None


def words(what: str, text: str) -> str:
    """Text that can be written to any file. Raises UsageError: it holds a control character, or half of a surrogate pair."""
    if any((ord(letter) < 32 and letter not in "\t\n\r") or 0xD800 <= ord(letter) < 0xE000 for letter in text):
        raise UsageError(f"{what} holds a character that is no text (a control character or half a pair); take it out")
    return text


def shown(value: Any) -> str:
    """A value as a message repeats it: short, and never deep."""
    if isinstance(value, (dict, list)):
        return "(an object)" if isinstance(value, dict) else "(a list)"
    if isinstance(value, bool):
        return f"'{str(value).lower()}'"
    if isinstance(value, int) and abs(value) >= 10**MAX_SHOWN:
        return "(a number of many digits)"
    return f"'{str(value)[:MAX_SHOWN]}'"


def _number(text: str, *, whole: bool) -> Any:
    if whole and re.fullmatch(r"[+-]?[0-9]{1,30}", text):
        return int(text)
    text = text.replace("−", "-")
    # "0,5" is .5; "1,000" may be a thousand as well, and is asked about where that is a whole number
    if re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text) and not (
        whole and re.fullmatch(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}", text)
    ):
        text = text.replace(",", ".")
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        number = float(text)
        return int(number) if whole and number.is_integer() else number
    return text[:MAX_SHOWN]


_DECIMAL = r"[+-]?[0-9]*[.,]?[0-9]+"
_POINT = re.compile(rf"({_DECIMAL})\s*:\s*({_DECIMAL})\s*[;,/]\s*({_DECIMAL})(?=$|[\s;])")


def with_points(text: str) -> str:
    """Seconds, and points of a path, whose fractions stand behind a comma -> as `Settings` reads them; others as they are.

    >>> with_points("12; 41,5"), with_points("0:-0,6;0,2 30:0,7;0,6"), with_points("0:-0.6,0.2")
    ('12, 41.5', '0:-0.6,0.2 30:0.7,0.6', '0:-0.6,0.2')
    """
    if ":" in text:
        points = [[number.replace(",", ".") for number in match.groups()] for match in _POINT.finditer(text)]
        left = re.sub(r"[\s;]+", "", _POINT.sub("", text))
        return " ".join(f"{s}:{v},{a}" for s, v, a in points) if points and not left and "," in text else text
    if ";" in text and re.fullmatch(rf"\s*{_DECIMAL}\s*(;\s*{_DECIMAL}\s*)*;?\s*", text):
        return text.strip(" ;").replace(",", ".").replace(";", ",")
    return text


def _key(text: str) -> str:
    """A key as it is called in German, French, Spanish or Italian, by its English name; anything else as it is."""
    from klangbild.music.piece import Key
    from klangbild.slips import key_meant

    try:
        Key.parse(text)
    except ValueError:
        return key_meant(text) or text
    return text


def _a_number(field: FormField) -> str:
    return "a whole number" if json_type(field) == "integer" else "a number"


def _between(field: FormField) -> str:
    return f" from {field.low:g} to {field.high:.0f}" if field.low is not None and field.high is not None else ""


def _listed(field: FormField) -> str:
    return ", ".join(value for value, _ in field.choices)


def _installed(field: FormField, value: str) -> str | None:
    names = [choice for choice, _ in field.choices]
    if value not in names:
        raise UsageError(f"{flag_of(field.name)} {shown(value)} is not installed here; choose from {', '.join(names)}")
    if field.name == "soundfont":
        # the first one is what plays when none is named; the others go by name, so that no record holds a path of this machine
        return None if value == names[0] else value
    return None if field.name == "model" and value == names[0] else value
