"""The OpenAPI document for people: one page without scripts, and nothing from elsewhere."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any


def docs_html(document: dict[str, Any]) -> str:
    """The page at /v1/docs."""
    info, schemas = document["info"], document["components"]["schemas"]
    routes = [(path, method, about) for path, item in document["paths"].items() for method, about in item.items()]
    groups = []
    for tag in document["tags"]:
        mine = [_route(*route) for route in routes if tag["name"] in route[2].get("tags", ())]
        title = f"{tag['name'].capitalize()}: {tag['description']}"
        groups.append(f"<h2>{escape(title)}</h2>{''.join(mine)}")
    shapes = "".join(
        f'<section id="{escape(name)}"><h3>{escape(name)}</h3>{_properties(schema)}</section>'
        for name, schema in schemas.items()
    )
    about = "".join(f"<p>{_words(part)}</p>" for part in info["description"].split("\n\n"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])}: the API</title>"
        '<link rel="icon" href="/static/icon.svg"><link rel="stylesheet" href="/static/docs.css"></head><body><main>'
        f"<h1>{escape(info['title'])} {escape(info['version'])}: the API</h1>{about}"
        '<p>For programs: <a href="/v1/openapi.json">openapi.json</a> (OpenAPI 3.1). <a href="/">To the page.</a></p>'
        f"{''.join(groups)}<h2>What is sent</h2>{shapes}</main></body></html>"
    )


def _route(path: str, method: str, about: dict[str, Any]) -> str:
    parts = [
        f"<summary><b>{method.upper()}</b> <code>{escape(path)}</code> {_words(about.get('description', ''))}</summary>"
    ]
    if about.get("parameters"):
        rows = [
            (f"{one['name']} ({one['in']})", one["schema"], one.get("description", "")) for one in about["parameters"]
        ]
        parts.append(f"<h4>Parameters</h4>{_table(rows)}")
    contents = about.get("requestBody", {}).get("content", {})
    for kind, content in contents.items():
        parts.append(f"<h4>Body as {escape(kind)}</h4>{_properties(content['schema'])}")
    rows = []
    for status, answer in about["responses"].items():
        shown = ", ".join(
            _kind(c["schema"]) if "json" in k else escape(k) for k, c in answer.get("content", {}).items()
        )
        rows.append(f"<tr><td>{escape(status)}</td><td>{shown}</td><td>{_words(answer['description'])}</td></tr>")
    parts.append(f'<h4>Answers</h4><div class="wide" tabindex="0"><table>{"".join(rows)}</table></div>')
    return f"<details>{''.join(parts)}</details>"


def _properties(schema: dict[str, Any]) -> str:
    needed = set(schema.get("required", ()))
    rows = [
        (name + (" *" if name in needed else ""), value, value.get("description", ""))
        for name, value in schema.get("properties", {}).items()
    ]
    about = f"<p>{_words(schema['description'])}</p>" if schema.get("description") else ""
    return about + (_table(rows) if rows else "")


def _table(rows: list[tuple[str, dict[str, Any], str]]) -> str:
    lines = [
        f"<tr><td><code>{escape(name)}</code></td><td>{_kind(schema)}</td><td>{_words(about)}</td></tr>"
        for name, schema, about in rows
    ]
    return f'<div class="wide" tabindex="0"><table>{"".join(lines)}</table></div>'


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        told = " or ".join(_kind(one) for one in schema["anyOf"])
    elif "enum" in schema:
        told = escape(", ".join("null" if value is None else str(value) for value in schema["enum"]))
    elif schema.get("type") == "array":
        told = f"list of {_kind(schema.get('items', {})) or 'anything'}"
    else:
        kinds = schema.get("type", "")
        told = escape(" or ".join(kinds) if isinstance(kinds, list) else kinds)
        told = "file" if schema.get("format") == "binary" else told
    if "minimum" in schema:
        told += f" {schema['minimum']:g} to {schema.get('maximum', 0):.10g}"
    if "maxLength" in schema:
        told += f", at most {schema['maxLength']} letters"
    return told + (f" (default {escape(json.dumps(schema['default']))})" if "default" in schema else "")


def _words(text: str) -> str:
    """Plain text with `code` in backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(text.split())))
