"""The shapes of what the REST API sends, as JSON Schema (2020-12, which OpenAPI 3.1 speaks); names of settings come from `Settings`."""

from __future__ import annotations

from typing import Any

from klangbild.formats.table import FORMATS
from klangbild.web.form_fields import MAX_LETTERS, FormField, form_fields, json_type

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A reference to one of `components`."""
    return {"$ref": f"#/components/schemas/{name}"}


def components() -> dict[str, Schema]:
    """Every shape by its name."""
    return {
        "Error": _closed(
            {
                "error": _text("one plain sentence: what is wrong, and what to do"),
                "field": _maybe("string", "the setting it belongs to, 'picture' or another name of the body; or null"),
            }
        ),
        "Run": _run(),
        "Record": _record(),
        "Roll": _roll(),
        "Reading": _reading(),
        "Point": _closed(
            {name: _number() for name in ("valence", "arousal", "valence_spread", "arousal_spread")}
            | {"name": _text("the region of the plane in a word")}
        ),
        "Words": _closed({name: {"type": "array", "items": ref("MarkedWord")} for name in ("text", "negative")}),
        "MarkedWord": _closed(
            {
                "written": _text("in lower case"),
                "start": _whole("its first letter in the text"),
                "end": _whole("the letter after its last"),
                "heard": _maybe("boolean", "whether the engine understands it; null where nobody can say"),
                "means": _text("what it is heard as, where that is known"),
                "denied": {"type": "boolean", "description": "it stands behind a 'no'"},
            }
        ),
        "Swatch": _closed({"hex": _text(), "name": _text(), "share": _number()}),
        "Picture": _closed(
            {
                "id": _text("give it as `picture_id`; kept for an hour after its last use"),
                "name": _text("the file's name"),
                "width": _whole(),
                "height": _whole(),
            }
        ),
        "Models": _models(),
        "Setting": _setting(),
        "Preset": {
            "type": "object",
            "description": "settings by name, those that were given",
            "properties": {
                field.name: value_schema(field, null=False) for field in form_fields() if field.kind != "file"
            },
        },
        "Health": _closed(
            {
                "status": {"type": "string", "enum": ["ok"]},
                "klangbild": _text("the version"),
                "running": _whole("runs being made"),
                "waiting": _whole("runs in line"),
                "max_waiting": _whole("how many may wait"),
            }
        ),
    }


def value_schema(field: FormField, *, null: bool = True, text: bool = False) -> Schema:
    """A setting's value in JSON (null: or null, which means "not given"), or as the text of a form field."""
    kind = json_type(field)
    limits = {} if field.low is None else {"minimum": field.low, "maximum": field.high}
    schema: Schema
    if kind == "array":
        names = {"type": "string", "description": "names, separated by commas"}
        schema = names if text else {"anyOf": [{"type": "array", "items": {"type": "string"}}, names]}
    elif field.name == "loudness":
        schema = {"anyOf": [{"type": "number", **limits}, {"type": "string", "enum": ["off"]}]}
    elif kind == "integer" and field.choices:
        schema = {"type": "integer", "enum": [int(value) for value, _ in field.choices]}
    elif kind == "string":
        values = [value for value, _ in field.choices]
        # a model or a SoundFont that is added later must not make this document wrong: they are named, not closed
        free = not values or field.name in ("model", "emotion_model", "soundfont")
        schema = {"type": "string"} | ({"maxLength": MAX_LETTERS} if free else {"enum": values})
    else:
        schema = {"type": kind, **limits}
    if null:
        schema = (
            {"anyOf": [*schema["anyOf"], {"type": "null"}]}
            if "anyOf" in schema
            else {"anyOf": [schema, {"type": "null"}]}
        )
    named = f": {', '.join(value for value, _ in field.choices)}" if field.choices and "enum" not in str(schema) else ""
    schema["description"] = field.help + named
    if field.default is not None and not text:
        schema["default"] = field.default
    return schema


def _run() -> Schema:
    return _closed(
        {
            "id": _text(),
            "status": {
                "type": "string",
                "enum": ["queued", "running", "done", "stopped", "failed", "cancelled"],
                "description": "stopped: ended early, what existed was kept",
            },
            "place": _whole("runs that come before it"),
            "progress": {"type": "number", "minimum": 0, "maximum": 1},
            "step": _text("what is being done, in words"),
            "seed": _whole(),
            "error": _maybe("string", "why it failed"),
            "field": _maybe("string", "the setting that is to blame"),
            "record": {"anyOf": [ref("Record"), {"type": "null"}], "description": "there when it is made"},
            "alt": _text("the picture in words"),
            "sound": _maybe("string", "address of the MP3, as soon as it is there"),
            "files": {
                "type": "object",
                "description": f"addresses by format ({', '.join(FORMATS)}), when it is over",
                "additionalProperties": {"type": "string"},
            },
            "picture": _maybe("string", "address of a small copy"),
            "picture_id": _maybe("string", "the picture's id, if it was given by one"),
            "command": _text("the command line that makes the same"),
            "python": _text("the Python that makes the same"),
            "waits_s": {
                "type": "object",
                "description": "seconds from the wish to the first notes and to the sound",
                "additionalProperties": {"type": "number"},
            },
            "links": _closed(
                {"self": _text(), "events": _text(), "roll": _text(), "lanes": _text("add `/FAMILY.flac`")}
            ),
        }
    )


def _record() -> Schema:
    """Open: later versions may tell more."""
    settings = {
        "type": "object",
        "description": "every setting, as `Settings` had them; null: not given",
        "properties": {field.name: {} for field in form_fields()},
    }
    thing = {"type": ["object", "null"]}
    told = {
        "klangbild": _text("the version that made it"),
        "schema": _whole(),
        "engine": _text(),
        "model": {**thing, "description": "name, sha256 and licence of the model"},
        "seed": _whole(),
        "picture": {**thing, "description": "name, size, sha256 and palette of the picture; null without one"},
        "emotion": {**thing, "description": "valence and arousal that were read, and those asked of the music"},
        "reasons": {"type": "array", "items": {"type": "string"}},
        "told": {"type": "array", "items": {"type": "string"}, "description": "what was asked for and came otherwise"},
        "settings": settings,
        "music": {**thing, "description": "tempo, key, meter, instruments, notes, and the music in words"},
        "heard": {
            **thing,
            "description": "valence and arousal that judges of emotion hear in the notes, how many drafts were made, and in words",
        },
        "sound": {**thing, "description": "rate, length, loudness and true peak"},
        "versions": {"type": "object", "additionalProperties": {"type": "string"}},
        "ai_generated": {"type": "boolean"},
    }
    return {
        "type": "object",
        "properties": told,
        "required": ["klangbild", "schema", "seed", "engine", "settings", "emotion", "ai_generated"],
    }


def _roll() -> Schema:
    note = {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 4,
        "maxItems": 4,
        "description": "onset s, duration s, MIDI pitch, velocity",
    }
    lane = _closed({"family": _text(), "colour": _text(), "notes": {"type": "array", "items": note}})
    return _closed(
        {
            "seconds": _number(),
            "tempo": _number("beats per minute"),
            "meter": _text(),
            "bars": {"type": "array", "items": {"type": "number"}, "description": "where bars begin, s"},
            "lanes": {"type": "array", "items": lane},
        },
        optional=("tempo", "meter"),
    )


def _reading() -> Schema:
    strings = {"type": "array", "items": {"type": "string"}}
    return _closed(
        {
            "emotion": ref("Point") | {"description": "on the raters' scale"},
            "asked": ref("Point") | {"description": "on the music's plane: what valence and arousal set"},
            "reasons": strings,
            "kind": {"type": "string", "enum": ["words", "painting", "photo"]},
            "source": _text("picture, text or mixed"),
            "unknown": {**strings, "description": "words that were not understood"},
            "words": _text("the reading as a sentence"),
            "picture": ref("Picture"),
            "palette": {"type": "array", "items": ref("Swatch")},
            "alt": _text("a first try at the picture in words"),
        },
        optional=("picture", "palette", "alt"),
    )


def _models() -> Schema:
    model = {
        "type": "object",
        "properties": {"name": _text(), "kind": _maybe("string"), "licence": _maybe("string")},
        "required": ["name"],
    }
    many = {"type": "array", "items": model}
    damaged = {"type": "array", "items": _closed({"name": _text(), "why": _text("what is wrong with it")})}
    engines = {"type": "array", "items": {"type": "string"}}
    return _closed({"engines": engines, "shipped": many, "added": many, "damaged": damaged})


def _setting() -> Schema:
    strings = {"type": "array", "items": {"type": "string"}}
    return _closed(
        {
            "name": _text(),
            "label": _text(),
            "help": _text(),
            "kind": {"type": "string", "enum": ["number", "whole", "choice", "many", "words", "switch", "file"]},
            "group": _text(),
            "default": {"type": ["string", "number", "boolean", "null"]},
            "low": _maybe("number"),
            "high": _maybe("number"),
            "choices": {"type": "array", "items": {**strings, "minItems": 2, "maxItems": 2}},
            "unavailable": strings,
            "engines": strings,
        }
    )


def _closed(properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    """An object of just these; all are there but the optional ones."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _text(description: str = "") -> Schema:
    return {"type": "string"} | ({"description": description} if description else {})


def _number(description: str = "") -> Schema:
    return {"type": "number"} | ({"description": description} if description else {})


def _whole(description: str = "") -> Schema:
    return {"type": "integer"} | ({"description": description} if description else {})


def _maybe(kind: str, description: str = "") -> Schema:
    return {"type": [kind, "null"]} | ({"description": description} if description else {})
