"""What OpenAPI says about the bodies of the REST API, made from the settings."""

from __future__ import annotations

from typing import Any

from klangbild.settings import INSTRUMENTS
from klangbild.web.knobs import Knob, knobs

_TYPES = {"number": "number", "whole": "integer", "switch": "boolean"}


def _schema(knob: Knob) -> dict[str, Any]:
    if knob.kind == "file":
        return {"type": "string", "format": "binary", "description": knob.help}
    schema: dict[str, Any] = {"type": _TYPES.get(knob.kind, "string"), "description": knob.help}
    if knob.kind == "many":
        schema["description"] += f": {', '.join(INSTRUMENTS)}"
    elif knob.name in ("conditioning", "kind", "meter", "engine"):
        schema["enum"] = [value for value, _ in knob.choices]
    # loudness may also be "off"
    if knob.low is not None and knob.name != "loudness":
        schema |= {"minimum": knob.low, "maximum": knob.high}
    if knob.default is not None:
        schema["default"] = knob.default
    return schema


def _body(names: tuple[str, ...] | None = None) -> dict[str, Any]:
    fields = {knob.name: _schema(knob) for knob in knobs() if names is None or knob.name in names}
    sent = {
        "picture_id": {"type": "string", "description": "a picture given before: `picture.id` of POST /v1/emotion"},
        "picture_url": {"type": "string", "description": "a public address (only with serve --allow-url)"},
    }
    alt = {} if names else {"alt": {"type": "string", "description": "the picture in words; kept with the result"}}
    upload = {
        "picture": {"type": "string", "format": "binary", "description": "the picture: at most 100 MB, 100 megapixels"}
    }
    in_json = {name: schema for name, schema in fields.items() if schema.get("format") != "binary"}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "properties": {**upload, **sent, **alt, **fields}}
                },
                "application/json": {"schema": {"type": "object", "properties": {**sent, **alt, **in_json}}},
            },
        }
    }


COMPOSE = _body()
EMOTION = _body(("text", "emotion_model", "kind"))
SETTINGS = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}}
