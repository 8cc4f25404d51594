"""Start the server, say where it is, and end it in good order."""

from __future__ import annotations

import errno
import socket
import sys
import threading
import webbrowser

import uvicorn

from klangbild.errors import UsageError
from klangbild.web.app import Options, make_app
from klangbild.web.connections import Connection


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    auth: tuple[str, str] | None = None,
    allow_url: bool = False,
    open_browser: bool = False,
    verbose: bool = False,
    local: bool = True,
) -> int:
    """Serve until Ctrl-C. port 0: any free one. local: answer only to names of this machine. Gives the exit code.

    Raises:
        UsageError: the address cannot be listened on.
    """
    listener = listen(host, port)
    port = listener.getsockname()[1]
    app = make_app(Options(local=local, auth=auth, allow_url=allow_url))
    config = uvicorn.Config(
        app, log_level="info" if verbose else "warning", access_log=verbose, timeout_graceful_shutdown=3, lifespan="on",
        http=Connection,
    )  # fmt: skip
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{port}"
    print(f"klangbild is at {url} (Ctrl-C ends it)", file=sys.stderr, flush=True)
    if open_browser:
        threading.Timer(1.0, webbrowser.open, (url,)).start()
    uvicorn.Server(config).run(sockets=[listener])
    return 0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UsageError: the port is taken, or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"--port {port} is taken; choose another, or 0 for any free one") from None
        raise UsageError(f"--host {host} cannot be listened on ({error.strerror}); try 127.0.0.1 or 0.0.0.0") from None
    listener.listen(128)
    return listener
