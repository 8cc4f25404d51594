"""Many visitors who wait, leave, or send nothing more: nobody else waits for them, and nothing is kept for them for ever."""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
import uvicorn

from klangbild.web import middleware, pictures
from klangbild.web.app import Options, make_app
from klangbild.web.connections import Connection
from klangbild.web.temporary_folders import TemporaryFolders, same_file


class Quick(Connection):
    patience_s = 0.4


@pytest.fixture
def door():
    """(address, application) of a server that closes what sends nothing after a second."""
    app = make_app(Options(warm=False))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", http=Quick, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield listener.getsockname(), app
    server.should_exit = True
    thread.join(timeout=30)
    listener.close()


def half_a_post(address, sent=b'{"text": "a'):
    connection = socket.create_connection(address, timeout=20)
    head = (
        b"POST /v1/compose HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
    )
    connection.sendall(head + sent)
    return connection


def a_picture(address):
    connection = socket.create_connection(address, timeout=60)
    body = b'--B\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\nx\r\n--B--\r\n'
    head = f"POST /v1/emotion HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def test_pictures_that_wait_for_the_decoder_hold_up_nobody_else(door, monkeypatch):
    """Forty large pictures held all threads of the server: the page itself came after minutes, also when all forty had left."""
    address, app = door
    may_go, taken = threading.Event(), []

    def slowly(name, content):
        taken.append(name)
        may_go.wait(30)
        raise pictures.InputError("a.png: no picture")

    monkeypatch.setattr(app.kept_pictures, "take", slowly)
    waiting = [a_picture(address) for _ in range(50)]
    while not taken:
        time.sleep(0.02)
    time.sleep(0.5)
    for path in ("/v1/health", "/v1/settings", "/static/page.js", "/"):
        with urllib.request.urlopen(f"http://127.0.0.1:{address[1]}{path}", timeout=10) as answer:
            assert answer.status == 200
    for connection in waiting[1:]:
        connection.close()
    time.sleep(0.5)
    may_go.set()
    assert waiting[0].recv(100).startswith(b"HTTP/1.1 422")
    last = a_picture(address)
    assert last.recv(100).startswith(b"HTTP/1.1 422")
    assert len(taken) <= 3, "pictures of visitors who had left were read all the same"


def test_a_line_for_the_decoder_has_an_end(door, monkeypatch):
    address, app = door
    may_go = threading.Event()
    monkeypatch.setattr(app.kept_pictures, "take", lambda *_: may_go.wait(30) and 1 / 0)
    waiting = [a_picture(address) for _ in range(64)]
    answer = b""
    for connection in reversed(waiting):  # the last ones are too many
        connection.settimeout(0.3)
        try:
            answer = connection.recv(1000)
            break
        except TimeoutError:
            continue
    may_go.set()
    assert answer.startswith(b"HTTP/1.1 503") and b"retry-after" in answer


def test_a_body_that_does_not_come_is_ended_with_a_sentence(door, monkeypatch):
    monkeypatch.setattr(middleware, "SLOWEST_S", 1.0)
    connection = half_a_post(door[0])
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    assert answer.status == 408
    assert json.loads(answer.read()) == {
        "error": "The rest of this request does not come; send it again",
        "field": None,
    }


def test_a_body_that_trickles_is_ended_too(door, monkeypatch):
    monkeypatch.setattr(middleware, "SLOWEST_S", 1.0)
    connection = half_a_post(door[0])
    started = time.monotonic()
    connection.settimeout(0.1)
    answer = b""
    while not answer and time.monotonic() - started < 10:
        connection.sendall(b"a")
        try:
            answer = connection.recv(100)
        except TimeoutError:
            continue
    assert answer.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("sent", [b"", b"GET /v1/hea"])
def test_a_connection_that_never_asks_is_closed(door, sent):
    connection = socket.create_connection(door[0], timeout=10)
    connection.sendall(sent)
    assert connection.recv(100) == b""


def test_a_request_that_takes_long_keeps_its_connection(door, monkeypatch):
    monkeypatch.setattr(door[1].kept_pictures, "take", lambda *_: time.sleep(1.5) or 1 / 0)
    assert a_picture(door[0]).recv(100).startswith(b"HTTP/1.1 500")


def test_temporary_folders_are_swept_when_much_comes_and_hold_so_many(tmp_path, monkeypatch):
    folders = TemporaryFolders(tmp_path / "folders", max_bytes=1000)
    keys = []
    for _ in range(30):
        key, folder = folders.new()
        (folder / "a").write_bytes(b"x" * 200)
        folders.grown(200)
        keys.append(key)
    assert len(list(folders.root.iterdir())) <= 6 and folders.folder(keys[-1])
    monkeypatch.setattr("klangbild.web.temporary_folders.MAX_FOLDERS", 3)
    folders.sweep()
    assert len(list(folders.root.iterdir())) == 3


def test_runs_of_one_picture_take_its_space_once(tmp_path):
    (tmp_path / "a").write_bytes(b"picture")
    same_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"picture" and (tmp_path / "a").stat().st_nlink == 2


def test_a_worker_ends_with_its_server_also_in_the_middle_of_a_line():
    process = subprocess.Popen([sys.executable, "-m", "klangbild.web.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
    process.stdin.write(b'{"job": "comp')
    process.stdin.close()
    assert process.wait(timeout=30) == 0
    process.stdout.close()


def test_a_request_of_two_lengths_is_refused_and_what_follows_is_no_request(door):
    connection = socket.create_connection(door[0], timeout=10)
    connection.sendall(
        b"POST /v1/settings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    )
    answer = b""
    while part := connection.recv(10_000):
        answer += part
    assert answer.startswith(b"HTTP/1.1 400") and answer.count(b"HTTP/1.1") == 1
