"""Ten seconds of seeded nonsense at every route: each answer is one that the document lists, and none is a fault of ours.

KLANGBILD_FUZZ_S=600 tries longer; KLANGBILD_FUZZ_SEED=7 something else.
"""

import io
import json
import os
import random
import time

import httpx
import pytest
from truth import Truth

SECONDS = float(os.environ.get("KLANGBILD_FUZZ_S", "10"))
SEED = int(os.environ.get("KLANGBILD_FUZZ_SEED", "17"))
NONSENSE = [
    "", " ", "abc", "-1", "0", "1e999", "NaN", "null", "true", "é" * 30, "x" * 3000, "../../etc/passwd", "/etc/passwd", "..%2f..%2fetc%2fpasswd",
    "%252e%252e%252f", "file:///etc/passwd", "http://127.0.0.1:1/a.png", "\x00", "a\x00b", "\\..\\..\\x", "\ud800", "🎹", "--tempo", "'\"<script>", "${7*7}",
    "9" * 400, "1,5", "0:0.1,0.2", "C", "4/4", "piano", "notes", "cuda:99", "auto", "TimGM6mb.sf2", "klangbild", ".", "..", "A" * 22,
]  # fmt: skip
VALUES = [
    *NONSENSE, None, True, False, 0, 1, -1, 5, 1.5, 10**400, -(10**30), 1e308, [], {}, [5], ["x"], ["piano"], [None], {"a": 1}, [[[[]]]], ["\ud800"],
]  # fmt: skip
BODIES = [
    b"", b"[", b"{", b'["x"]', b"5", b"null", b'"x"', b"[" * 200_000, b'{"a":' * 100_000, b'{"text": NaN}', b'{"seconds": 1e999}', b'{"text": "\\ud800"}',
    b'{"seed": 1, "seed": 2, "text": "x"}', b"\xff\xfe", b"\xef\xbb\xbf{}", b'{"instruments": 5, "text": "x"}', b'{"seed": ' + b"9" * 5000 + b"}",
    b"seconds=abc&text=x", b"text=%ff%fe", b"a=1&" * 500, b"--x\r\n\r\n", b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\xfe\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="picture"; filename="files"\r\n\r\nno picture\r\n--x--\r\n', b"--x\r\nContent-Disposition: form-data\r\n\r\nx\r\n--x--",
]  # fmt: skip
KINDS = [
    "application/json", "Application/JSON; charset=utf-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data",
    "multipart/form-data; boundary=" + "y" * 300, "multipart/form-data; boundary=x; charset=nonsense", "text/plain", "application/octet-stream", "", "/", "json",
]  # fmt: skip
NAMES = [
    "files",
    "before",
    "thumbnail.jpg",
    "../../x.png",
    "a\\b.png",
    "x" * 250,
    "é" * 120,
    "🎹" * 70,
    ".",
    "...",
    " ",
    "con",
    "a\x01b.png",
]
RANGES = [
    "bytes=0-9",
    "bytes=-5",
    "bytes=99999999999-",
    "bytes=5-1",
    "bytes=a-b",
    "lines=0-3",
    "bytes=0-1,3-4",
    "",
    "bytes=-0",
]


class Nonsense:
    """Requests drawn from the document and from what people and machines send by mistake or on purpose."""

    def __init__(self, document: dict, keys: list[str], picture: bytes) -> None:
        self.draw = random.Random(SEED)
        self.document, self.keys, self.picture = document, keys, picture
        self.paths = list(document["paths"])

    def request(self) -> dict:
        draw = self.draw
        path, method = self._path(), draw.choice(["GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS"])
        if draw.random() < 0.5:
            path, method = draw.choice(["/v1/compose", "/v1/emotion", "/v1/settings"]), "POST"
        asked = {"method": method, "url": path, "headers": {}}
        if draw.random() < 0.1:
            asked["headers"]["range"] = draw.choice(RANGES)
        if draw.random() < 0.3:
            names = ["text", "picture", "emotion_model", "kind", "keep", "download", "x"]
            asked["params"] = {draw.choice(names): self._text() for _ in range(draw.randint(1, 3))}
        if method == "POST":
            asked |= self._body(asked["headers"])
        return asked

    def _text(self) -> str:
        return self.draw.choice(NONSENSE).encode("utf-8", "replace").decode()

    def _path(self) -> str:
        path = self.draw.choice(
            [*self.paths, *self.paths, "/v1/nowhere", "/", "/static/{key}", "/examples/{key}", "/{key}"]
        )
        while "{" in path:
            start, end = path.index("{"), path.index("}")
            wild = [
                "..%2f..%2fetc%2fpasswd",
                "%252e%252e%252fx",
                "%00",
                "a%00b",
                "..%5c..%5cx",
                "%ff",
                "x" * 3000,
                "é",
                "%2e%2e",
                "index.json",
            ]
            path = path[:start] + self.draw.choice([*self.keys, *self.keys, *wild]) + path[end + 1 :]
        return path

    def _body(self, headers: dict) -> dict:
        draw = self.draw
        way = draw.random()
        if way < 0.25:
            headers["content-type"] = draw.choice(KINDS)
            return {"content": draw.choice(BODIES)}
        known = list(
            self.document["paths"]["/v1/compose"]["post"]["requestBody"]["content"]["application/json"]["schema"][
                "properties"
            ]
        )
        names = [draw.choice([*known, *known, "files", "picture", "x\ud800"]) for _ in range(draw.randint(0, 4))]
        if way < 0.75:
            values = {name: draw.choice(VALUES) for name in names} | ({"text": "calm"} if draw.random() < 0.5 else {})
            headers["content-type"] = "application/json"
            return {"content": json.dumps(values if draw.random() < 0.9 else {"settings": values}).encode()}
        files = {}
        if draw.random() < 0.7:
            content = draw.choice(
                [b"", b"text", b"MThd\x00\x00\x00\x06\x00\x01", b"\x89PNG\r\n\x1a\n", self.picture, self.picture]
            )
            field = draw.choice(["picture", "picture", "continue_from", "files"])
            files = {field: (draw.choice(NAMES), io.BytesIO(content))}
        data = {name.encode("utf-8", "replace").decode(): self._text() for name in names}
        return {"data": data, "files": files}


@pytest.fixture(scope="module")
def rest(server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def test_nonsense_gets_an_answer_that_the_document_lists(rest, paintings):
    document = rest.get("/v1/openapi.json").json()
    truth = Truth(document)
    picture = paintings[0].read_bytes()
    seen = rest.post("/v1/emotion", files={"picture": ("dusk.png", picture)}).json()
    run = rest.post("/v1/compose", json={"text": "calm", "seconds": 1, "seed": 1}).json()
    nonsense = Nonsense(document, ["A" * 22, run["id"], seen["picture"]["id"], "dusk-1.mid", "calm-1.mid"], picture)
    until, asked, statuses = time.monotonic() + SECONDS, 0, {}
    while time.monotonic() < until:
        request = nonsense.request()
        with rest.stream(**request) as answer:
            stream = (
                answer.headers.get("content-type", "").startswith("text/event-stream") and answer.status_code == 200
            )
            body = b"" if stream else answer.read()
        path = answer.request.url.raw_path.decode().split("?")[0]
        asked += 1
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        told = (request, answer.status_code, body[:300])
        assert answer.status_code < 500 or answer.status_code == 503, told
        assert (
            b"Traceback" not in body
            and b"/tmp/" not in body
            and b"klangbild-" not in body.replace(b"klangbild-settings", b"")[:300]
        ), told
        if path.startswith("/v1/"):
            truth.check(request["method"], path, answer.status_code, answer.headers, body)
        if answer.status_code == 202:
            rest.delete(answer.json()["links"]["self"])
    assert asked > 20 and {200, 404, 405, 422} <= set(statuses), (asked, statuses)
    print(asked, statuses)
    assert rest.get("/v1/health").json()["status"] == "ok"
