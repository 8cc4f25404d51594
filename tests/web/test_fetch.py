"""Pictures from addresses (serve --allow-url): the open internet and nothing nearer, whatever names and redirects say."""

import http.server
import socket
import threading
import time

import pytest

from klangbild.errors import InputError
from klangbild.web import fetch
from klangbild.web.fetch import fetch_picture, is_public, public_address

INSIDE = [
    "127.0.0.1", "10.0.0.8", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_inside_is_not_public(address):
    assert not is_public(address)


def test_what_is_outside_is():
    assert is_public("93.184.216.34") and is_public("2606:2800:220:1:248:1893:25c8:1946") and is_public("8.8.8.8")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "::1", "::ffff:7f00:1", "0", "no-such-name.invalid", "a..b", "é" * 80, ""]
)  # fmt: skip
def test_inside_and_unknown_are_told_in_the_same_words(host):
    with pytest.raises(InputError) as told:
        public_address(host, 80)
    assert str(told.value) == f"{host[:120]}: is not a public address; save the picture and give the file"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.com/x", "gopher://127.0.0.1/x", "nonsense", "http://", "http://127.0.0.1:9/x.png", "http://[::1]/x", "http://[/x",
        "http://127.0.0.1:99999/x", "http://user:secret@127.0.0.1/x", "//127.0.0.1/x", "http:127.0.0.1/x", "http://127.0.0.1\\@example.com/x", "http://localhost\r\nX: y/",
        "\x00", "jar:http://127.0.0.1!/x", "data:image/png;base64,AAAA",
    ],
)  # fmt: skip
def test_bad_addresses_get_a_sentence(url):
    with pytest.raises(InputError):
        fetch_picture(url)


class Site(http.server.BaseHTTPRequestHandler):
    """A site that the tests reach as if it were outside."""

    asked: list[str] = []  # noqa: RUF012 - what the tests look at

    def do_GET(self):
        Site.asked.append(self.path)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("location", self.path[4:])
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        if self.path == "/drip":
            for _ in range(200):
                self.wfile.write(b"x")
                time.sleep(0.05)
        else:
            self.wfile.write(b"x" * (3000 if self.path == "/large" else 10))

    def log_message(self, *_):
        pass


@pytest.fixture
def outside(monkeypatch):
    """Names are looked up in `names`; connections to 93.184.216.34 land at a site of our own."""
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    Site.asked.clear()
    names = {
        "outside.example": ["93.184.216.34"],
        "both.example": ["93.184.216.34", "127.0.0.1"],
        "inside.example": ["10.0.0.1"],
    }
    looked_up, connected = [], []
    connect, lookup = socket.create_connection, socket.getaddrinfo

    def getaddrinfo(host, port, *given, **about):
        if host not in names:
            return lookup(host, port, *given, **about)
        looked_up.append(host)
        found = names[host]
        if host == "rebound.example":  # public when it is asked for the first time, inside afterwards
            found = [found[0]] if looked_up.count(host) == 1 else ["127.0.0.1"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    def create_connection(address, timeout=None, **about):
        connected.append(address)
        assert address[0] == "93.184.216.34", address
        return connect(("127.0.0.1", site.server_port), timeout)

    names["rebound.example"] = ["93.184.216.34"]
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket, "create_connection", create_connection)
    monkeypatch.setattr(fetch, "_is_ourselves", lambda sock: False)
    yield connected
    site.shutdown()
    site.server_close()


def test_a_public_picture_is_fetched_and_named(outside):
    assert fetch_picture("http://outside.example/a/my%20lake.png?x=1 2") == ("my lake.png", b"x" * 10)
    assert Site.asked == ["/a/my%20lake.png?x=1%202"]
    assert fetch_picture("http://outside.example/to//b.png")[0] == "b.png"


@pytest.mark.parametrize(
    "to", ["http://127.0.0.1:1/x", "http://inside.example/x", "http://both.example/x", "http://[::1]/x", "file:///etc/passwd", "ftp://outside.example/x", "http://localhost/x", "//127.0.0.1/x"]
)  # fmt: skip
def test_no_redirect_leads_inside(outside, to):
    with pytest.raises(InputError, match=r"not a public address|is not an address"):
        fetch_picture(f"http://outside.example/to/{to}")
    assert len(outside) == 1


def test_redirects_end(outside):
    with pytest.raises(InputError, match="one address to the next"):
        fetch_picture("http://outside.example/to/" + "http://outside.example/to/" * 5)
    assert len(outside) == 4


def test_a_name_is_looked_up_once(outside):
    assert fetch_picture("http://rebound.example/x.png")[1] == b"x" * 10
    assert outside == [("93.184.216.34", 80)]


def test_too_large_and_too_slow_end(outside, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_BYTES", 2000)
    with pytest.raises(InputError, match="larger than"):
        fetch_picture("http://outside.example/large")
    monkeypatch.setattr(fetch, "_AT_MOST_S", 0.5)
    started = time.monotonic()
    with pytest.raises(InputError, match="cannot be fetched"):
        fetch_picture("http://outside.example/drip")
    assert time.monotonic() - started < 5


def test_our_own_address_is_not_outside():
    """A machine's public address leads to itself."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as sock,
    ):
        assert fetch._is_ourselves(sock)
