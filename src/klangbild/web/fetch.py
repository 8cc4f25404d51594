"""A picture from an address, for `serve --allow-url`: http and https, public addresses only, at most 100 MB.

The name is looked up once, every address it has must be public, and the connection goes to that very address: a name that
points inside afterwards (DNS rebinding) gains nothing. Redirects are followed by the same rules, three at most.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from urllib.parse import unquote, urljoin, urlsplit

from klangbild.errors import InputError

MAX_BYTES = 100_000_000
_TIMEOUT_S = 15.0
_REDIRECTS = 3


def fetch_picture(url: str) -> tuple[str, bytes]:
    """(file name, bytes) of the picture at an address.

    Raises:
        InputError: not a public http(s) address, not reachable, or too large.
    """
    for _ in range(_REDIRECTS + 1):
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"{url[:120]}: is not an address of a picture; give one that begins with https://")
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            address = public_address(parts.hostname, port)
            status, headers, content = _get(parts.scheme, parts.hostname, address, port, parts.path or "/", parts.query)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise InputError(f"{url[:120]}: cannot be fetched ({str(error)[:80]}); check the address") from None
        if status in (301, 302, 303, 307, 308) and headers.get("location"):
            url = urljoin(url, headers["location"])
            continue
        if status != 200:
            raise InputError(f"{url[:120]}: answers {status}; check the address")
        return unquote(parts.path.rsplit("/", 1)[-1]) or "picture", content
    raise InputError(f"{url[:120]}: leads from one address to the next; give the last one")


def public_address(host: str, port: int) -> str:
    """The first address of a host, if all of its addresses are public.

    Raises:
        InputError: one of them is private, local or reserved. OSError: the name is not known.
    """
    found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        ip = ipaddress.ip_address(address.split("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if not ip.is_global or ip.is_multicast:
            raise InputError(f"{host}: is not a public address; save the picture and give the file")
    return str(found[0])


def _get(scheme: str, host: str, address: str, port: int, path: str, query: str) -> tuple[int, dict[str, str], bytes]:
    sock = socket.create_connection((address, port), timeout=_TIMEOUT_S)
    if scheme == "https":
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    connection.sock = sock
    try:
        target = path + (f"?{query}" if query else "")
        connection.request("GET", target, headers={"User-Agent": "klangbild", "Accept": "image/*"})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        content = response.read(MAX_BYTES + 1)
    finally:
        connection.close()
    if len(content) > MAX_BYTES:
        raise InputError(f"{host}: the picture is larger than 100 MB, the limit; save it smaller")
    return response.status, headers, content
