"""A real server on a free port, in a thread of this process; and the console command that starts one elsewhere."""

import asyncio
import re
import shutil
import socket
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio._backends._asyncio  # noqa: F401 - now, not in a server's thread: pytest rewrites it, and two threads that parse at once fail (CPython 3.11)

from klangbild.web.app import Options, make_app

_REFUSED = re.compile(r"the server responded with a status of (422|404)")


def awaited(coroutine):
    """What a coroutine gives, run in a thread of its own: a browser that other tests hold open has a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


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
        if message.type in ("error", "warning") and not _REFUSED.search(message.text):
            self.errors.append(message.text)


def read_json(url: str) -> dict:
    import json

    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def klangbild_command() -> list[str]:
    """The console command of this environment."""
    beside = Path(sys.executable).parent / "klangbild"
    return [str(beside)] if beside.exists() else [shutil.which("klangbild") or "klangbild"]
