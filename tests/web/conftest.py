"""A real server on a free port, and a real browser when Debian's Chromium can be had."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import anyio._backends._asyncio  # noqa: F401 - now, not in a server's thread: pytest rewrites it, and two threads that parse at once fail (CPython 3.11)
import pytest

from klangbild.web.app import Options, make_app

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
REFUSED = re.compile(r"the server responded with a status of (422|404)")
SHOTS = Path(__file__).resolve().parents[2] / "artefacts" / "page"


class Server:
    """The application in a thread of its own, as uvicorn runs it."""

    def __init__(self, **options) -> None:
        import threading

        import uvicorn

        self.app = make_app(Options(**options))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_level="warning", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 60
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.05)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=30)
        self.socket.close()


@pytest.fixture(scope="session")
def server():
    """One server for all tests.

    What it would import in its own thread is imported here first: pytest rewrites modules as they load, and in Python 3.11 two
    threads that compile at once can fail ("AST constructor recursion depth mismatch").
    """
    import anyio

    assert anyio.open_file
    running = Server()
    yield running
    running.close()


@pytest.fixture(scope="session")
def paintings(tmp_path_factory) -> list[Path]:
    """Three small pictures of unlike moods."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("paintings")
    rng = np.random.default_rng(3)
    found = []
    for name, top, bottom in (
        ("dusk", (40, 70, 140), (240, 190, 120)),
        ("meadow", (120, 190, 250), (60, 160, 50)),
        ("night", (8, 8, 20), (40, 20, 40)),
    ):
        ramp = np.linspace(top, bottom, 96)[:, None, :] * np.ones((1, 128, 1))
        path = folder / f"{name}.png"
        Image.fromarray(np.clip(ramp + rng.normal(0, 8, ramp.shape), 0, 255).astype(np.uint8)).save(path)
        found.append(path)
    return found


@pytest.fixture(scope="session")
def chromium():
    """Debian's Chromium through Playwright; `make chromium` installs it. Skipped, with the reason, where it cannot be had."""
    path = next(
        (path for path in (os.environ.get("KLANGBILD_CHROMIUM"), *BROWSERS) if path and Path(path).exists()), None
    )
    if path is None:
        pytest.skip("needs Debian's Chromium (make chromium, as root), which is not on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install '.[dev]')")
    with playwright.sync_playwright() as manager:
        browser = manager.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Watch:
    """What a page did that it should not: errors on its console, requests to other hosts."""

    def __init__(self, page, url: str) -> None:
        self.errors: list[str] = []
        self.outside: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self._told(message))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((url, "data:", "blob:")) else self.outside.append(request.url)
            ),
        )

    def _told(self, message) -> None:
        # a refusal (422) and what is removed (404) are told on the console by the browser itself; the page says it in words
        if message.type in ("error", "warning") and not REFUSED.search(message.text):
            self.errors.append(message.text)


@pytest.fixture
def visit(chromium, server):
    """visit(**context options) -> a page of its own browser session, on the start page; at the end it must have behaved."""
    opened = []

    def open_page(**options):
        context = chromium.new_context(**{"viewport": {"width": 1366, "height": 900}, **options})
        context.set_default_timeout(60_000)
        page = context.new_page()
        watch = Watch(page, server.url)
        page.goto(server.url)
        page.wait_for_selector("html[data-ready]")
        opened.append((context, watch))
        return page

    yield open_page
    for context, watch in opened:
        context.close()
        assert watch.errors == []
        assert watch.outside == []


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where screenshots go (not in the repository; kept by CI)."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS


def read_json(url: str) -> dict:
    import json

    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def klangbild_command() -> list[str]:
    """The console command of this environment."""
    beside = Path(sys.executable).parent / "klangbild"
    return [str(beside)] if beside.exists() else [shutil.which("klangbild") or "klangbild"]


__all__ = ["FLAGS", "Server", "klangbild_command", "read_json", "subprocess"]
