"""The OpenAPI document of the REST API: bodies made from the settings, and every answer in the shape that is really sent."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from klangbild.editing.wish import Wish
from klangbild.web.bodies import MAX_TEXT_BYTES
from klangbild.web.form_fields import form_fields
from klangbild.web.schemas import components, ref, value_schema

MAX_ALT_LETTERS = 500
MAX_URL_LETTERS = 2000
MAX_ID_LETTERS = 100
_ABOUT = """Pictures to music. Names, ranges and defaults of settings are the command line's.

Every refusal is `{"error": "one sentence", "field": "tempo"}`: also 404 for an address that is not listed here, and 405 with `Allow` for a
method that is not. Every GET address answers HEAD. With `serve --auth` each request needs HTTP Basic."""
_REFUSALS = {
    401: "name and password are asked for, and these are not they",
    403: "a page of another site asks, or this server answers to names of its own machine only",
    404: "there is nothing of that name (any more)",
    408: "the rest of the request did not come",
    409: "a model or library that this needs is not installed here",
    413: "more than 100 MB, or more than a megabyte of text or JSON",
    416: "the part asked for lies beyond the end of the file",
    422: "a wish, a value, a picture or the body itself cannot be used",
    503: "the line is full, or it cannot be made just now; try again later",
}
_ALWAYS = (401, 403)


def answers(status: int, schema: dict[str, Any] | str, about: str, *refusals: int) -> dict[int | str, dict[str, Any]]:
    """What a route answers: a schema (or the name of one) as JSON with `status`, and these refusals."""
    schema = ref(schema) if isinstance(schema, str) else schema
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": about, "content": {"application/json": {"schema": schema}}}
    }
    return found | _refused(*refusals)


def sends(kinds: tuple[str, ...], about: str, *refusals: int, parts: bool = False) -> dict[int | str, dict[str, Any]]:
    """What a route answers that sends files or text of these media types; parts: also a range of one (206)."""
    text = all(kind.startswith("text/") for kind in kinds)
    schema = {"type": "string"} if text else {"type": "string", "format": "binary"}
    content = {kind: {"schema": ref("Record") if kind == "application/json" else schema} for kind in kinds}
    found: dict[int | str, dict[str, Any]] = {200: {"description": about, "content": content}}
    if parts:
        part = {kind: {"schema": schema} for kind in kinds}
        found[206] = {"description": "the part that `Range` asked for", "content": part}
    return found | _refused(*refusals)


def _refused(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "description": _REFUSALS[status],
            "content": {"application/json": {"schema": ref("Error")}},
            **(
                {"headers": {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "Basic"}}}
                if status == 401
                else {}
            ),
        }
        for status in sorted({*_ALWAYS, *statuses})
    }


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document, for the engines and models that are installed now."""
    found = get_openapi(
        title=app.title, version=app.version, openapi_version="3.1.0", description=_ABOUT, routes=app.routes,
        tags=[
            {"name": "music", "description": "pieces of music, and how they come to be"},
            {"name": "emotion", "description": "what is seen in a picture or in words"},
            {"name": "about", "description": "what is here"},
        ],
    )  # fmt: skip
    found["servers"] = [{"url": "/"}]
    found["security"] = [{}, {"basic": []}]
    found["components"] = {
        "schemas": components(),
        "securitySchemes": {"basic": {"type": "http", "scheme": "basic", "description": "only with serve --auth"}},
    }
    for item in found["paths"].values():
        for about in item.values():
            # FastAPI names its own shape where a route says nothing of 422: an address is any text, and cannot be wrong so
            if "HTTPValidationError" in str(about["responses"].get("422")):
                del about["responses"]["422"]
    for path, method, body in (
        ("/v1/compose", "post", _body()),
        ("/v1/emotion", "post", _body(("text", "emotion_model", "kind", "engine", "model"))),
        ("/v1/settings", "post", _PRESET),
        ("/v1/replay", "post", _replay()),
        ("/v1/edit", "post", _edit()),
    ):
        found["paths"][path][method]["requestBody"] = body
    return found


def allowed(paths: dict[str, Any], path: str) -> list[str]:
    """The methods that an address of the document answers to; static files answer GET and HEAD."""
    methods: set[str] = set()
    for template, item in paths.items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            methods |= {method.upper() for method in item}
    methods = methods or {"GET"}
    order = ("GET", "HEAD", "POST", "DELETE")
    return [method for method in order if method in methods or (method == "HEAD" and "GET" in methods)]


def _body(names: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The body of a wish, as a form and as JSON, with all settings or these."""
    listed = [field for field in form_fields() if names is None or field.name in names]
    form: dict[str, Any] = {
        "picture": {
            "type": "string",
            "format": "binary",
            "description": "the picture as a file: at most 100 MB, 100 megapixels",
        }
    }
    sent: dict[str, Any] = {
        "picture_id": _sent("a picture given before: `picture.id` of POST /v1/emotion", MAX_ID_LETTERS),
        "picture_url": _sent("a public address (only with serve --allow-url)", MAX_URL_LETTERS),
    }
    if names is None:
        sent["alt"] = _sent("the picture in words; kept with the result", MAX_ALT_LETTERS)
    typed = dict(sent)
    form |= {name: {**schema, "type": "string"} for name, schema in sent.items()}
    for field in listed:
        if field.kind == "file":
            form[field.name] = {"type": "string", "format": "binary", "description": f"{field.help}, sent as a file"}
            continue
        form[field.name] = value_schema(field, null=False, text=True)
        typed[field.name] = value_schema(field)
    return {
        "required": True,
        "content": {
            kind: {"schema": {"type": "object", "properties": properties, "additionalProperties": False}}
            for kind, properties in (("multipart/form-data", form), ("application/json", typed))
        },
    }


def _replay() -> dict[str, Any]:
    """The body of a piece to be made again."""
    wish = {
        "record": ref("Record"),
        "picture_id": _sent("its picture: `picture.id` of POST /v1/emotion", MAX_ID_LETTERS),
        "midi": _sent("its MIDI file in base64: the notes are not written anew, only played", MAX_TEXT_BYTES),
    }
    schema = {"type": "object", "properties": wish, "required": ["record"], "additionalProperties": False}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _edit() -> dict[str, Any]:
    """The body of a piece to be edited, as a form and as JSON; what can be wished comes from `Wish`."""
    typed: dict[str, Any] = {"run": _sent("the run that made the piece: its id", MAX_ID_LETTERS)}
    form: dict[str, Any] = {
        "run": {**typed["run"], "type": "string"},
        "piece": {
            "type": "string",
            "format": "binary",
            "description": "or a file: MIDI of anybody's, or any file of ours",
        },
    }
    for knob in fields(Wish):
        kind, about = str(knob.type), {"description": knob.metadata["help"]}
        schema: dict[str, Any] = {"type": "string"}
        if kind.startswith("bool"):
            schema = {"type": "boolean"}
        elif "min" in knob.metadata:
            limits = {"minimum": knob.metadata["min"], "maximum": knob.metadata["max"]}
            schema = {"type": "integer" if kind.startswith("int") else "number", **limits}
        elif "choices" in knob.metadata:
            schema = {"type": "string", "enum": list(knob.metadata["choices"])}
        form[knob.name] = {**schema, **about}
        if kind.startswith("tuple"):
            schema = {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}
        typed[knob.name] = {"anyOf": [schema, {"type": "null"}], **about}
    return {
        "required": True,
        "content": {
            kind: {"schema": {"type": "object", "properties": properties, "additionalProperties": False}}
            for kind, properties in (("multipart/form-data", form), ("application/json", typed))
        },
    }


def _sent(description: str, longest: int) -> dict[str, Any]:
    return {"type": ["string", "null"], "maxLength": longest, "description": description}


_PRESET = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"type": "object", "description": "settings by name, or the record of a piece, which holds some"}
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "piece": {
                        "type": "string",
                        "format": "binary",
                        "description": "or any file of ours that carries a record",
                    }
                },
                "additionalProperties": False,
            }
        },
    },
}
