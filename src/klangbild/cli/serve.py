"""`klangbild serve`: the web page and its REST API."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from typing import Any

from klangbild.errors import NotAvailableError, UsageError

_EPILOG = """examples:
  klangbild serve                                     http://127.0.0.1:7860, for this machine only
  klangbild serve --port 8000 --open
  klangbild serve --host 0.0.0.0 --auth anna:secret   for the house, behind a password
"""


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "serve", help="the web page and its API", description="The web page and its REST API (/v1).",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine only)"
    )
    parser.add_argument(
        "--port", type=int, default=7860, help="port to listen on, 0 for any free one (default: %(default)s)"
    )
    parser.add_argument("--auth", metavar="NAME:PASSWORD", help="ask for this name and password")
    parser.add_argument(
        "--allow-url", action="store_true", help="also take pictures from public addresses (connects outside)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="log every request; a traceback with an error"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    for needed in ("fastapi", "uvicorn", "python_multipart"):
        if find_spec(needed) is None:
            raise NotAvailableError(f"{needed} is not installed; run: pip install 'klangbild[web]'")
    auth = _auth(arguments.auth)
    if not 0 <= arguments.port <= 65535:
        raise UsageError(f"--port {arguments.port} is out of range; give a number from 0 to 65535")
    from klangbild.web.serve import serve

    public = arguments.host not in ("127.0.0.1", "localhost", "::1")
    if public and auth is None:
        print("Anyone who reaches this address can use it; --auth NAME:PASSWORD asks for a password.", file=sys.stderr)
    return serve(
        host=arguments.host, port=arguments.port, auth=auth, allow_url=arguments.allow_url,
        open_browser=arguments.open, verbose=bool(arguments.verbose), local=not public,
    )  # fmt: skip


def _auth(text: str | None) -> tuple[str, str] | None:
    text = text or os.environ.get("KLANGBILD_AUTH")
    if text is None:
        return None
    name, colon, password = text.partition(":")
    if not (name and colon and password):
        raise UsageError("--auth needs a name and a password, like --auth anna:secret")
    return name, password
