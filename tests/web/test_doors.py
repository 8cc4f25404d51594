"""A visitor with bad intent at both entry points: nothing of this machine's disk, network or other visitors is to be had."""

import base64
import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from running import awaited, klangbild_command
from test_container import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    """A picture of the server's own, and a MIDI file: no visitor may read them or learn that they are there."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("private")
    Image.fromarray(np.full((64, 64, 3), (250, 5, 5), np.uint8)).save(folder / "secret.png")
    return folder / "secret.png"


@pytest.fixture(scope="module", params=["klangbild serve", "app.py"])
def entry(request):
    """A client of the server, started as people start it."""
    port = free_port()
    if request.param == "app.py":
        command, environment = [sys.executable, "app.py"], {**os.environ, "PORT": str(port)}
    else:
        command, environment = [*klangbild_command(), "serve", "--port", str(port)], dict(os.environ)
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            deadline = time.monotonic() + 90
            while True:
                try:
                    client.get("/v1/health")
                    break
                except httpx.TransportError:
                    assert process.poll() is None and time.monotonic() < deadline
                    time.sleep(0.2)
            client.name = request.param
            yield client
    finally:
        process.terminate()
        process.wait(timeout=60)


def refused(answer, *statuses):
    """One sentence, in the documented shape, without a path of this machine beyond what was sent."""
    assert answer.status_code in (statuses or (422,)), (answer.status_code, answer.text[:300])
    body = answer.json()
    assert set(body) == {"error", "field"} and body["error"] and "\n" not in body["error"]
    return body["error"]


def finished(client, made):
    """The run when it is over."""
    deadline = time.monotonic() + 120
    while (state := client.get(made["links"]["self"]).json())["status"] in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return state


NAMES_OF_FILES = ("model", "emotion_model", "soundfont", "continue_from", "picture", "picture_id", "picture_url")


@pytest.mark.parametrize("name", NAMES_OF_FILES)
def test_a_path_is_no_name_of_anything_and_what_is_there_is_not_told(entry, private, name):
    there, nowhere = str(private), str(private.with_name("x" * len(private.stem) + private.suffix))
    forms = ("{}", "file://{}", "{}\x00.png", "../../../../../../..{}", "..\\..\\{}", "%2e%2e%2f..{}", "//{}")
    # both entry points make the same application: the second is asked the plainest
    for form in forms if entry.name == "klangbild serve" else forms[:2]:
        told = []
        for path in (there, nowhere):
            value = form.format(path)
            answers = [
                entry.post("/v1/compose", json={"text": "calm", name: value}),
                entry.post("/v1/compose", data={"text": "calm", name: value}),
                entry.post("/v1/emotion", json={"text": "calm", name: value}),
            ]
            if name in ("emotion_model", "picture"):
                answers.append(entry.get("/v1/emotion", params={"text": "calm", name: value}))
            told.append([refused(answer).replace(path, "PATH").replace(Path(path).name, "NAME") for answer in answers])
        # the same words whether it is there or not
        assert told[0] == told[1]


@pytest.mark.parametrize("name", NAMES_OF_FILES)
def test_nothing_is_fetched_from_an_address(entry, name):
    """The address listens, so that a request to it would be seen."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        for scheme in ("http", "https", "ftp", "gopher"):
            url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/secret.png"
            refused(entry.post("/v1/compose", json={"text": "calm", name: url}))
            refused(entry.post("/v1/emotion", data={name: url}))
        with pytest.raises(TimeoutError):
            listener.accept()


CLIMBS = (
    "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..%252f..%252fetc%252fpasswd", "....//....//etc/passwd", "%2fetc%2fpasswd",
    "..%5c..%5cetc%5cpasswd", "..\\..\\etc\\passwd", "%00", "a%00.png", "%c0%ae%c0%ae%c0%afetc%c0%afpasswd", ".", "..", "%2e", "x" * 5000,
)  # fmt: skip


def raw(entry, path, method="GET", headers=None):
    """(status, body) of a path that no client tidies up."""
    where = urlsplit(str(entry.base_url))
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    connection.putrequest(method, path, skip_host=bool(headers and "host" in headers))
    for key, value in (headers or {}).items():
        connection.putheader(key, value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


@pytest.fixture(scope="module")
def run(entry):
    made = entry.post("/v1/compose", json={"text": "calm", "seconds": 1, "seed": 1}).json()
    state = finished(entry, made)
    assert state["status"] == "done", state
    return state


@pytest.mark.parametrize(
    "route", ["/v1/runs/{}", "/v1/runs/{}/roll", "/v1/runs/{}/picture", "/v1/runs/{}/events", "/v1/pictures/{}", "/v1/runs/RUN/files/{}", "/static/{}", "/examples/{}", "/{}"]
)  # fmt: skip
def test_no_address_climbs_out(entry, run, route):
    for climb in CLIMBS:
        path = route.replace("RUN", run["id"]).format(climb)
        for method in ("GET", "HEAD", *(("DELETE",) if route == "/v1/runs/{}" else ())):
            status, body = raw(entry, path, method)
            assert status in (400, 404, 405), (path, status, body[:200])
            assert b"root:" not in body and b"/usr" not in body and b"/tmp" not in body
    # what is beside the files of a run is nobody's either
    for name in ("result.pickle", "thumbnail.jpg", "../result.pickle", "files", ".."):
        assert raw(entry, f"/v1/runs/{run['id']}/files/{name}")[0] == 404


def test_ids_are_long_and_tell_nothing_of_others(entry, run, private):
    other = entry.post("/v1/emotion", files={"picture": ("mine.png", private.read_bytes())}).json()["picture"]["id"]
    assert len(run["id"]) >= 22 and len(other) >= 22 and run["id"][:8] != other[:8]
    for guess in (
        other[:-1] + "A" * (other[-1] != "A") or "B",
        other[:-1],
        other + "A",
        other.swapcase(),
        "A" * 22,
        "*",
        "%",
    ):
        refused(entry.post("/v1/emotion", json={"picture_id": guess}))
        assert entry.get(f"/v1/pictures/{guess}").status_code == 404
    # an id of one kind opens nothing of the other
    assert entry.get(f"/v1/runs/{other}").status_code == 404
    assert entry.get(f"/v1/pictures/{run['id']}").status_code == 404
    listings = "".join(
        entry.get(path).text
        for path in ("/v1/health", "/v1/models", "/v1/settings", "/v1/openapi.json", "/v1/docs", "/")
    )
    assert other not in listings and run["id"] not in listings


def test_no_path_of_this_machine_in_any_answer_or_file(entry, run, tmp_path):
    """Records, files and messages; also for a MIDI file to go on from, which lies in a folder of the server's."""
    midi = entry.get(run["files"]["mid"]).content
    answer = entry.post(
        "/v1/compose",
        data={"text": "calm", "seconds": "4", "seed": "2"},
        files={"continue_from": ("files", midi), "picture": ("thumbnail.jpg", picture())},
    )
    assert answer.status_code == 202, answer.text
    made = answer.json()
    state = finished(entry, made)
    assert state["status"] == "done", state
    assert state["record"]["settings"]["continue_from"] == "files" and state["record"]["picture"]["name"] == "thumbnail"
    texts = [
        json.dumps(state).encode(),
        *(entry.get(state["files"][kind]).content for kind in ("mid", "json", "png", "mp3")),
    ]
    for path in ("/v1/models", "/v1/settings", "/v1/openapi.json", "/v1/docs", "/"):
        texts.append(entry.get(path).content)
    here = [str(ROOT), str(Path.home()), sys.prefix, "/tmp/", "site-packages"]
    for text in texts:
        for folder in here:
            assert folder.encode() not in text, folder


def test_an_upload_of_any_name_becomes_music(server):
    """`files` was the name of a folder of ours: such a run failed."""
    with httpx.Client(base_url=server.url, timeout=60) as rest:
        made = []
        for name in ("files", "🎹" * 80):
            sent = rest.post("/v1/compose", data={"seconds": "1", "seed": "3"}, files={"picture": (name, picture())})
            assert sent.status_code == 202, sent.text
            made.append(sent.json())
        for state in [finished(rest, one) for one in made]:
            assert state["status"] == "done", state
            assert rest.get(state["files"]["mid"]).content[:4] == b"MThd"


def test_a_wrong_host_is_no_fault_of_ours(entry):
    for host in ("[", "[::1", "a:b:c", "127.0.0.1:x", "evil.example", ""):
        assert raw(entry, "/v1/health", headers={"host": host})[0] in (200, 400, 403), host
    assert entry.post("/v1/compose", json={"text": "x"}, headers={"origin": "http://["}).status_code == 403
    assert entry.post("/v1/compose", json={"text": "x"}, headers={"origin": "null"}).status_code == 403


def picture() -> bytes:
    import io

    import numpy as np
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), (90, 120, 200), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_the_password_stands_before_everything():
    """Whatever the scheme of the connection or the case of the scheme's name."""
    from klangbild.web.middleware import AccessMiddleware

    async def ask(scope, headers=()):
        sent = []

        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"inside"})

        async def receive():
            return {"type": "http.request", "body": b""}

        async def send(message):
            sent.append(message)

        scope = {"method": "GET", "path": "/", **scope, "headers": [(b"host", b"localhost"), *headers]}
        await AccessMiddleware(app, auth=("anna", "geheim:ü"))(scope, receive, send)
        return sent

    def status(*headers):
        return awaited(ask({"type": "http"}, headers))[0]["status"]

    token = base64.b64encode("anna:geheim:ü".encode())
    assert status() == 401
    for scheme in (b"Basic ", b"basic ", b"BASIC ", b"basic   "):
        assert status((b"authorization", scheme + token)) == 200, scheme
    for wrong in (
        b"Bearer " + token,
        token,
        b"Basic",
        b"Basic " + token + b"x",
        b"Basic \xff",
        b"Basic " + base64.b64encode(b"anna:"),
    ):
        assert status((b"authorization", wrong)) == 401, wrong
    for length in (b"-1", b"x", b"1e3", b"1_000", b"9" * 30, "١".encode()):
        assert status((b"authorization", b"Basic " + token), (b"content-length", length)) == 400, length
    assert awaited(ask({"type": "websocket"}))[0] == {"type": "websocket.close", "code": 1008}


def test_a_charset_that_takes_minutes_is_refused_at_once(entry):
    """Python's idna codec takes a minute and more for a megabyte, and nobody was answered meanwhile."""
    part = b'--B\r\nContent-Disposition: form-data; name="text"\r\n\r\nxn--' + b"a" * 15_000 + b"\r\n--B--\r\n"
    for charset in ("idna", "punycode", '"utf-16"', "nothing"):
        kind = {"content-type": f"multipart/form-data; boundary=B; charset={charset}"}
        started = time.monotonic()
        assert "UTF-8" in refused(entry.post("/v1/emotion", content=part, headers=kind))
        assert time.monotonic() - started < 5
    kind = {"content-type": "multipart/form-data; boundary=B; charset=UTF-8"}
    assert "2000 letters" in refused(entry.post("/v1/emotion", content=part, headers=kind))


def test_texts_of_a_form_do_not_fill_the_memory(entry):
    """A hundred texts of a megabyte lay in memory together."""
    kind = {"content-type": "multipart/form-data; boundary=B"}
    part = b'--B\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + b"a" * 17_000 + b"\r\n--B--\r\n"
    assert "16 kB" in refused(entry.post("/v1/emotion", content=part, headers=kind), 413)
