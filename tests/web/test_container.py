"""The Dockerfile and the Space file, step by step: what the container would run is run here, without a container.

`pytest -m network tests/web/test_container.py` installs what the Dockerfile copies into an environment of its own (the network
is needed for that only), starts its CMD as its HEALTHCHECK wants it, and makes a piece. Docker's own part (the base image, the
user, the port) is all that is left out.
"""

import contextlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def instructions() -> list[tuple[str, str]]:
    """(name, rest) of the Dockerfile's lines, each on one line."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(" ", 1)) for line in lines]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextlib.contextmanager
def running(command: list[str], folder: Path, environment: dict[str, str]):
    """A process of its own that is ended at the end; what it said is told when it goes away by itself."""
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def answered(url: str, process: subprocess.Popen, *, most_s: float = 90) -> bytes:
    """What an address answers as soon as it does; asked under a foreign name, as behind a published port."""
    deadline = time.monotonic() + most_s
    while True:
        assert process.poll() is None, process.stderr.read()
        try:
            request = urllib.request.Request(url, headers={"host": "music.example"})
            return urllib.request.urlopen(request, timeout=30).read()
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.2)


def piece_from(url: str) -> bytes:
    """The MIDI file of a piece that was asked for and waited for."""
    asked = urllib.request.Request(
        f"{url}/v1/compose", b'{"text": "calm", "seconds": 2, "seed": 7}', {"content-type": "application/json"}
    )
    run = json.load(urllib.request.urlopen(asked, timeout=60))
    deadline = time.monotonic() + 120
    while run["status"] in ("queued", "running"):
        assert time.monotonic() < deadline, run
        time.sleep(0.3)
        run = json.load(urllib.request.urlopen(url + run["links"]["self"], timeout=60))
    return urllib.request.urlopen(url + run["files"]["mid"], timeout=60).read()


def test_the_space_file_serves_all_addresses_on_the_port_it_is_given():
    port = free_port()
    environment = {**os.environ, "PORT": str(port), "OMP_NUM_THREADS": "1"}
    with running([sys.executable, "app.py"], ROOT, environment) as process:
        assert b"<title>klangbild</title>" in answered(f"http://127.0.0.1:{port}/", process)


@pytest.mark.network
def test_every_step_of_the_dockerfile(tmp_path, request):
    if "network" not in request.config.option.markexpr:
        pytest.skip("installs from the package index: pytest -m network")
    source, home = tmp_path / "src", tmp_path / "home"
    source.mkdir()
    home.mkdir()
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    port = str(free_port())
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(home)}
    ready = None
    for name, rest in instructions():
        if name == "FROM":
            assert rest == f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
        elif name == "COPY":
            *given, _ = rest.split()
            for part in given:
                if (ROOT / part).is_dir():
                    shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / part, source)
        elif name == "RUN" and "pip install" in rest:
            wanted = shlex.split(rest.split("&&")[0])
            subprocess.run([str(programs / wanted[0]), *wanted[1:]], cwd=source, check=True, timeout=1800)
            shutil.rmtree(source)
        elif name == "ENV":
            environment |= dict(pair.split("=", 1) for pair in rest.split())
        elif name == "HEALTHCHECK":
            ready = json.loads(rest[rest.index("[") :])
        elif name == "CMD":
            command = json.loads(rest)
    assert ready and "torch" not in {p.name for p in (tmp_path / "venv").glob("lib/*/site-packages/*")}
    command = [str(programs / command[0]), *(port if part == "7860" else part for part in command[1:])]
    with running(command, home, environment) as process:
        page = answered(f"http://127.0.0.1:{port}/", process)
        assert b"<title>klangbild</title>" in page
        check = [str(programs / ready[0]), *(part.replace("7860", port) for part in ready[1:])]
        subprocess.run(check, cwd=home, env=environment, check=True, timeout=30)
        assert piece_from(f"http://127.0.0.1:{port}")[:4] == b"MThd"
