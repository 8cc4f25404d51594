"""Who is let in by the middleware alone, without a server: this machine's names, the right password, a page's own requests."""

import base64

import pytest
from running import awaited

from klangbild.web.middleware import AccessMiddleware


def status(headers: dict[str, str], *, method: str = "GET", **options) -> int:
    """What a visitor is answered; 200 means that the app behind was reached."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/", "headers": lines}
    awaited(AccessMiddleware(app, **options)(scope, receive, send))
    return sent[0]["status"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "a.localhost", "10.0.0.7"])
def test_this_machine_s_names_are_let_in(host):
    assert status({"host": host}) == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.example", "", "[", "[::1"])
def test_other_names_are_not_unless_we_stand_in_the_open(host):
    assert status({"host": host}) == 403
    assert status({"host": host}, local=False) == 200


def test_only_the_right_password_opens():
    def with_word(word: str) -> int:
        token = base64.b64encode(word.encode()).decode()
        return status({"host": "localhost", "authorization": f"Basic {token}"}, auth=("anna", "geheim"))

    assert with_word("anna:geheim") == 200
    assert {with_word(word) for word in ("anna:", "anna:geheim2", "Anna:geheim", ":geheim", "")} == {401}
    assert status({"host": "localhost"}, auth=("anna", "geheim")) == 401


def test_another_site_may_look_but_not_ask():
    ours, theirs = ({"host": "localhost", "origin": f"http://{site}"} for site in ("localhost", "evil.example"))
    assert status(ours, method="POST") == 200 and status(theirs, method="POST") == 403 and status(theirs) == 200
