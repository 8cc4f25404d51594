"""What goes back: every refusal as one plain sentence with a fitting status, and files, whole or in part."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException

from klangbild.errors import InputError, KlangbildError, NotAvailableError, OutputError, UsageError
from klangbild.formats.table import MEDIA_TYPES
from klangbild.web.bodies import TooMuch, TooSlow
from klangbild.web.form_fields import plain_sentence
from klangbild.web.queue import Full

_PART = re.compile(r"\s*bytes\s*=\s*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))\s*", re.IGNORECASE)


class NotThere(KlangbildError):
    """No run, picture or file of that name."""


_STATUSES = (
    (NotThere, 404), (TooSlow, 408), (TooMuch, 413), (Full, 503), (NotAvailableError, 409), (UsageError, 422), (InputError, 422),
)  # fmt: skip


def refusals(allowed: Callable[[str], list[str]]) -> Callable[[Request, Exception], Any]:
    """The handler of every error. allowed(path): the methods that an address answers to."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        status, sentence, field = _told(error)
        headers = {}
        if isinstance(error, HTTPException):
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        if status == 405:
            methods = allowed(request.url.path)
            headers["allow"] = ", ".join(methods)
            sentence = f"This address answers to {' and '.join(methods)} only; GET /v1/docs says what there is"
        if status == 503:
            headers["retry-after"] = "30"
        return JSONResponse(error_body(sentence, field), status_code=status, headers=headers)

    return answer


def error_body(sentence: str, field: str | None) -> dict[str, str | None]:
    """{"error": one sentence, "field": a setting, "picture", ..., or None}; whatever was repeated in it can be written."""
    return {"error": sentence.encode("utf-8", "replace").decode(), "field": field}


def _told(error: Exception) -> tuple[int, str, str | None]:
    """(status, sentence, field)"""
    if isinstance(error, RequestValidationError):
        found = error.errors()[0]
        name = str(found["loc"][-1])
        wanted = {"bool_parsing": "give true or false", "missing": "give one"}.get(found["type"], "give another value")
        return 422, f"'{name}' is not what it should be; {wanted}", name
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return 404, "There is nothing at this address; the page is at /, GET /v1/docs says what else there is", None
        return error.status_code, str(error.detail), None
    if isinstance(error, OutputError):
        return 503, "This server cannot keep files just now; try again later", None
    if isinstance(error, KlangbildError):
        sentence, field = plain_sentence(error)
        if isinstance(error, InputError):
            field = field or "picture"
        # what is none of these is no fault of the wish: it can be had later
        status = next((code for kind, code in _STATUSES if isinstance(error, kind)), 503)
        return status, sentence, field
    return 500, "Something went wrong here; try again", None


_SCRIPTABLE = frozenset({".html", ".svg", ".musicxml"})


def send_file(request: Request, path: Path, *, download: bool) -> FileResponse:
    """A file under its own name, to be shown or to be saved; players may ask for one part of it.

    Raises:
        NotThere: it was removed meanwhile. HTTPException: 416, the part lies beyond its end.
    """
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise NotThere("this file is no longer kept; make the run again") from None
    asked = request.headers.get("range")
    if asked is not None and not _fits(asked, stat.st_size):
        # a part that cannot be understood, or several at once: the whole file, as HTTP has it
        request.scope["headers"] = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
    # what may hold scripts is never run as this server's own page
    kind = "attachment" if download or path.suffix in _SCRIPTABLE else "inline"
    return FileResponse(
        path,
        filename=path.name,
        media_type=MEDIA_TYPES.get(path.suffix),
        content_disposition_type=kind,
        stat_result=stat,
    )


def _fits(asked: str, size: int) -> bool:
    """Whether a range can be read. Raises HTTPException 416: it lies beyond the end."""
    part = _PART.fullmatch(asked)
    if part is None or (part[1] and part[2] and int(part[2]) < int(part[1])):
        return False
    if size == 0 or (int(part[3]) == 0 if part[3] else int(part[1]) >= size):
        raise HTTPException(416, "this part lies beyond the end of the file", {"content-range": f"bytes */{size}"})
    return True
