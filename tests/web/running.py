"""A real server on a free port, in a thread of this process; and the console command that starts one elsewhere."""

import asyncio
import shutil
import socket
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio._backends._asyncio  # noqa: F401 - now, not in a server's thread: pytest rewrites it, and two threads that parse at once fail (CPython 3.11)

from klangbild.web.app import Options, make_app


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


def read_json(url: str) -> dict:
    import json

    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def klangbild_command() -> list[str]:
    """The console command of this environment."""
    beside = Path(sys.executable).parent / "klangbild"
    return [str(beside)] if beside.exists() else [shutil.which("klangbild") or "klangbild"]
