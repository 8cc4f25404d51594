"""What a request's body says: a form with files, a form of text alone, or JSON, all of it small but the files themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.message import Message
from typing import IO, Any, NoReturn
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from klangbild.errors import KlangbildError, UsageError
from klangbild.web.form_fields import MAX_SHOWN, words

MAX_TEXT_BYTES = 1_000_000
# a hundred texts of a form lie in memory together; the longest that has a meaning is 2000 letters
_MAX_FIELD_BYTES = 16_384
_MAX_FIELDS = 100
_CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii")
_FILES = {"picture": "picture", "continue_from": "continues", "piece": "piece"}
"""What a form may send as a file, and where it is kept."""
# names whose values add up when they are given more than once, as several boxes of a form are
_ADD_UP = ("instruments", "without")


class TooMuch(KlangbildError):
    """More bytes came than may."""

    def __init__(self, message: str = "the file is larger than 100 MB, the limit; save it smaller") -> None:
        super().__init__(message)
        self.field = "picture"


class TooSlow(KlangbildError):
    """The body comes too slowly, or not at all."""

    def __init__(self) -> None:
        super().__init__("the rest of this request does not come; send it again")


class FieldError(UsageError):
    """A wrong value of something that is no setting: `picture_id`, `alt`, ..."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass
class Body:
    """values by name; typed: they are JSON's own, else all are text. picture, continues, piece: (file name, open file) of what was sent."""

    values: dict[str, Any] = field(default_factory=dict)
    typed: bool = False
    picture: tuple[str, IO[bytes]] | None = None
    continues: tuple[str, IO[bytes]] | None = None
    piece: tuple[str, IO[bytes]] | None = None

    def refuse(self, *names: str) -> None:
        """Raises FieldError: a file of these names was sent, where nobody asks for one."""
        for name in names:
            if getattr(self, _FILES[name]) is not None:
                raise FieldError(f"no '{name}' is asked for here; leave it out", name)

    def take_text(self, name: str, longest: int) -> str | None:
        """A value that is no setting, taken out of `values`. Raises FieldError: it is not text, or longer than `longest` letters."""
        value = self.values.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, str):
            raise FieldError(f"'{name}' is not text; give it in quotes", name)
        if len(value) > longest:
            raise FieldError(f"'{name}' is longer than {longest} letters; say it shorter", name)
        try:
            return words(f"'{name}'", value).strip() or None
        except UsageError as error:
            raise FieldError(str(error), name) from None


async def read_body(request: Request) -> Body:
    """The body of a wish.

    Raises:
        UsageError: it is no form and no JSON object, is damaged, or names something twice. TooMuch: it is too large.
    """
    kind = request.headers.get("content-type", "").split(";", 1)[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        values = await read_json(request)
        if not isinstance(values, dict):
            raise UsageError("the body is not a JSON object; give names and values")
        if values.get("picture") is not None:
            raise FieldError("a picture cannot travel inside JSON; send a form, or picture_id", "picture")
        return Body({name: value for name, value in values.items() if name != "picture"}, typed=True)
    if kind == "multipart/form-data":
        return await _multipart(request)
    text = await _little(request)
    if kind == "application/x-www-form-urlencoded":
        return Body(_joined(_pairs(text)))
    if not text:
        return Body()
    raise UsageError("this body is neither a form nor JSON; send multipart/form-data or application/json")


async def read_json(request: Request) -> Any:
    """The JSON of a body. Raises UsageError: it is none. TooMuch: it is larger than a megabyte."""
    text = await _little(request)
    try:
        return json.loads(text, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise UsageError("this is not JSON (or nested too deeply); give an object of names and values") from None


async def _little(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_TEXT_BYTES:
            raise TooMuch("text and JSON may have a megabyte; send a picture as a file in a form")
        parts.append(part)
    return b"".join(parts)


async def _multipart(request: Request) -> Body:
    charset = Message()
    charset["content-type"] = request.headers["content-type"]
    if str(charset.get_param("charset", "utf-8")).lower() not in _CHARSETS:
        # Python has codecs that take minutes for a megabyte (idna), and would hold everybody up
        raise UsageError("this form is in a charset that is not read; send it in UTF-8")
    try:
        form = await request.form(max_files=len(_FILES), max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES)
    except (HTTPException, MultiPartException, AssertionError, ValueError, LookupError) as error:
        detail = getattr(error, "detail", None) or getattr(error, "message", "")
        if "exceeded" in str(detail):
            raise TooMuch(
                "a text of this form is longer than 16 kB; say it shorter, and send a picture as a file"
            ) from None
        about = f" ({str(detail).rstrip('.')[:MAX_SHOWN]})" if detail else ""
        raise UsageError(f"this form is damaged{about}; send it again") from None
    pairs: list[tuple[str, str]] = []
    body = Body()
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            pairs.append((name, value))
            continue
        if not value.filename:  # a file field that was left empty
            continue
        if name not in _FILES:
            raise UsageError(
                "send the picture as a file named 'picture' (a MIDI file to go on from as 'continue_from', a piece to edit as 'piece')"
            )
        if getattr(body, _FILES[name]) is not None:
            raise FieldError(f"'{name}' is given twice; give one", name)
        # large ones lie on disk by now, and stay there until they are copied
        setattr(body, _FILES[name], (value.filename, value.file))
    body.values = _joined(pairs)
    if body.values.pop("picture", ""):
        raise FieldError("'picture' is a name, not a file; send the picture as a file in the form", "picture")
    return body


def _pairs(text: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise UsageError("this form is damaged (not UTF-8, or too many fields); send it again") from None


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values and name not in _ADD_UP:
            raise UsageError(f"'{name[:MAX_SHOWN]}' is given twice; give it once")
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise UsageError(f"'{name[:MAX_SHOWN]}' is given twice; give it once")
        found[name] = value
    return found


def _no_number(name: str) -> NoReturn:
    raise UsageError(f"{name} is no number of JSON; give one, or leave it out")
