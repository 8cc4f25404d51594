"""A picture from an address, for `serve --allow-url`: http and https, public addresses only, at most 100 MB and half a minute.

The name is looked up once, every address it has must be public, and the connection goes to that very address: a name that
points inside afterwards (DNS rebinding) gains nothing. Redirects are followed by the same rules, three at most. What is inside and
what does not exist is told in the same words, so that nobody can ask which names and doors there are behind this server.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from urllib.parse import quote, unquote, urljoin, urlsplit

from klangbild.errors import InputError

MAX_BYTES = 100_000_000
_TIMEOUT_S = 15.0
_AT_MOST_S = 30.0
_REDIRECTS = 3
_CHUNK_BYTES = 1 << 18
# IPv6 that carries an IPv4 address in it: what a translator on the way would make of it cannot be known here
_TRANSLATED = tuple(
    ipaddress.ip_network(net) for net in ("::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16")
)


def fetch_picture(url: str) -> tuple[str, bytes]:
    """(file name, bytes) of the picture at an address.

    Raises:
        InputError: not a public http(s) address, not reachable, too slow or too large.
    """
    until = time.monotonic() + _AT_MOST_S
    for _ in range(_REDIRECTS + 1):
        shown = url[:120]
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise InputError(f"{shown}: is not an address; check it") from None
        if parts.scheme not in ("http", "https") or not host:
            raise InputError(f"{shown}: is not an address of a picture; give one that begins with https://")
        address = public_address(host, port)
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
            f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
        )
        try:
            status, headers, content = _get(parts.scheme, host, address, port, path, until)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise InputError(f"{shown}: cannot be fetched ({str(error)[:80]}); check the address") from None
        if status in (301, 302, 303, 307, 308) and headers.get("location"):
            url = urljoin(url, headers["location"])
            continue
        if status != 200:
            raise InputError(f"{shown}: answers {status}; check the address")
        return unquote(parts.path.rsplit("/", 1)[-1]) or "picture", content
    raise InputError(f"{url[:120]}: leads from one address to the next; give the last one")


def public_address(host: str, port: int) -> str:
    """The first address of a host, if all of its addresses are public.

    Raises:
        InputError: one of them is private, local or reserved, or there is none.
    """
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, ValueError):
        found = []
    if not found or not all(is_public(address) for address in found):
        raise InputError(f"{host[:120]}: is not a public address; save the picture and give the file")
    return found[0]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet, and to nothing nearer."""
    ip = ipaddress.ip_address(address.split("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if isinstance(ip, ipaddress.IPv6Address) and any(ip in net for net in _TRANSLATED):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback)


def _get(
    scheme: str, host: str, address: str, port: int, target: str, until: float
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of one request. Raises InputError: too large. OSError: not reachable, or not done `until` then."""
    name = host.encode("idna").decode() if not host.isascii() else host
    sock = socket.create_connection((address, port), timeout=_left(until))
    # a public address may be our own
    if _is_ourselves(sock):
        sock.close()
        raise InputError(f"{host[:120]}: is not a public address; save the picture and give the file")
    connection = http.client.HTTPConnection(name, port)
    end = threading.Timer(until - time.monotonic(), lambda: _cut(sock))
    end.start()  # whoever sends a byte now and then is cut off, wherever we read
    try:
        if scheme == "https":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=name)
        connection.sock = sock
        connection.request("GET", target, headers={"User-Agent": "klangbild", "Accept": "image/*"})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        content = bytearray()
        while part := response.read1(_CHUNK_BYTES):
            content += part
            if len(content) > MAX_BYTES:
                raise InputError(f"{host[:120]}: the picture is larger than 100 MB, the limit; save it smaller")
        _left(until)
    finally:
        end.cancel()
        connection.close()
        sock.close()
    return response.status, headers, bytes(content)


def _is_ourselves(sock: socket.socket) -> bool:
    return bool(sock.getsockname()[0] == sock.getpeername()[0])


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _left(until: float) -> float:
    """Seconds that one step may take. Raises TimeoutError: none are left."""
    left = min(_TIMEOUT_S, until - time.monotonic())
    if left <= 0:
        raise TimeoutError("it takes longer than half a minute")
    return left
