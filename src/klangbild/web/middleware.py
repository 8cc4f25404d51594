"""What stands before the door, as plain ASGI: password, whose page may ask, how much may be sent, what the browser may load."""

from __future__ import annotations

import asyncio
import base64
import hmac
import ipaddress
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from klangbild.web.bodies import TooMuch, TooSlow

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# a picture of the largest size, and the form around it
MAX_BODY_BYTES = 100_000_000 + 1_000_000
# a body may take a minute, and as long again as its bytes take at this pace; none may come for half a minute
SLOWEST_S, SLOWEST_BYTES_PER_S = 60.0, 10_000
_CSP = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self' https://huggingface.co"
)
_HEADERS = [
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class AccessMiddleware:
    """Wraps the app. auth: (name, password) or None. local: bound to this machine only, so that names of hosts are refused
    (a page elsewhere could otherwise reach us by a name that it points at 127.0.0.1)."""

    def __init__(self, app: Any, *, auth: tuple[str, str] | None = None, local: bool = True) -> None:
        self.app, self.local = app, local
        self._expected = ":".join(auth).encode() if auth else None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # nothing here speaks it: no way in past the checks below
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal:
            if (_length(headers) or 0) <= _LITTLE_BYTES:
                await _read_on(receive)
            await _answer(send, *refusal)
            return
        received, began = 0, time.monotonic()
        more = "transfer-encoding" in headers or bool(_length(headers))

        async def counted() -> Message:
            nonlocal received, more
            if not more:  # what comes now is that the visitor leaves
                return await receive()
            # a body that trickles for ever holds memory and a place
            left_s = began + SLOWEST_S + received / SLOWEST_BYTES_PER_S - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), min(left_s, SLOWEST_S / 2))
            except TimeoutError:
                raise TooSlow from None
            more = message["type"] == "http.request" and message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                raise TooMuch
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
            await send(message)

        await self.app(scope, counted, with_headers)

    def _refusal(self, scope: Message, headers: dict[str, str]) -> tuple[int, str, str | None] | None:
        """(status, sentence, realm) or None."""
        host = headers.get("host", "")
        if self.local and not _is_this_machine(host):
            return (
                403,
                f"this page answers to this machine only, not to '{host[:80]}'; start it with --host 0.0.0.0",
                None,
            )
        origin = headers.get("origin")
        if origin and scope["method"] not in ("GET", "HEAD", "OPTIONS") and _netloc(origin) != host.lower():
            return 403, "another site may not ask for this; open the page itself", None
        if self._expected and not hmac.compare_digest(_given(headers.get("authorization", "")), self._expected):
            return 401, "name and password, please", "klangbild"
        if "transfer-encoding" in headers and "content-length" in headers:
            # whoever stands before us may count by the other one, and take the rest for another visitor's request
            return 400, "Content-Length and Transfer-Encoding do not go together; send one of them", None
        length = _length(headers)
        if length is None:
            return 400, "Content-Length is not a number of bytes; send it right, or leave it out", None
        if length > MAX_BODY_BYTES:
            return 413, str(TooMuch()), None
        return None


async def _read_on(receive: Receive) -> None:
    """Take what a refused request still sends, if it is little: a connection closed on unread bytes is reset, and the answer lost."""
    taken, more = 0, True
    while more and taken < _LITTLE_BYTES:
        message = await receive()
        taken += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)


_LITTLE_BYTES = 1_000_000


def _given(authorization: str) -> bytes:
    """name:password of a header, or nothing; the scheme's case does not matter."""
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(token.strip(), validate=True)
    except ValueError:
        return b""


def _length(headers: dict[str, str]) -> int | None:
    """What Content-Length says, 0 without one; None when it is no number of bytes."""
    text = headers.get("content-length", "0").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_this_machine(host: str) -> bool:
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
    return True


async def _answer(send: Send, status: int, sentence: str, realm: str | None) -> None:
    sentence = sentence[:1].upper() + sentence[1:]
    body = json.dumps({"error": sentence, "field": "picture" if status == 413 else None}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    if realm:
        headers.append((b"www-authenticate", f'Basic realm="{realm}", charset="UTF-8"'.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers + _HEADERS})
    await send({"type": "http.response.body", "body": body})
