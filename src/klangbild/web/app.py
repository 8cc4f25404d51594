"""The web application: the page at / and REST under /v1, on one line of runs.

The page is our own HTML on FastAPI and loads nothing from elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

# set before the hub is imported by anything: no outside connection
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from klangbild import __version__
from klangbild.errors import KlangbildError
from klangbild.web.answers import refusals
from klangbild.web.api import make_api
from klangbild.web.catalogue import COOKIE, chosen_language
from klangbild.web.middleware import AccessMiddleware
from klangbild.web.openapi import allowed, document
from klangbild.web.page import page_html
from klangbild.web.pictures import KeptPictures
from klangbild.web.queue import MAX_WAITING, STALL_S, Runs
from klangbild.web.temporary_folders import KEEP_S, TemporaryFolders

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

HERE = Path(__file__).resolve().parent
_SWEEP_EVERY_S = 30.0


@dataclass(frozen=True)
class Options:
    """How it is served. local: only for this machine. auth: (name, password). folder: where runs live (a temporary one)."""

    local: bool = True
    auth: tuple[str, str] | None = None
    allow_url: bool = False
    keep_s: float = KEEP_S
    max_waiting: int = MAX_WAITING
    stall_s: float = STALL_S
    folder: Path | None = None
    warm: bool = True


class App:
    """The parts, held together; an ASGI application."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options = options or Options()
        self.folder = Path(tempfile.mkdtemp(prefix="klangbild-")) if options.folder is None else options.folder
        self.kept_pictures = KeptPictures(TemporaryFolders(self.folder / "pictures", keep_s=options.keep_s))
        self.runs = Runs(
            TemporaryFolders(self.folder / "runs", keep_s=options.keep_s),
            max_waiting=options.max_waiting,
            stall_s=options.stall_s,
        )
        self.api = FastAPI(
            title="klangbild", version=__version__, lifespan=self._lifespan, docs_url=None, redoc_url=None,
            openapi_url=None, redirect_slashes=False, generate_unique_id_function=lambda route: route.name,
        )  # fmt: skip
        routes = make_api(self.runs, self.kept_pictures, lambda: document(self.api), allow_url=options.allow_url)
        self.api.include_router(routes)
        self._paths: dict[str, Any] | None = None
        refuse = refusals(self._allowed)
        for kind in (KlangbildError, HTTPException, RequestValidationError, Exception):
            self.api.add_exception_handler(kind, refuse)
        self._add_page()
        self._entrance = AccessMiddleware(self.api, auth=options.auth, local=options.local)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._entrance(scope, receive, send)

    def _add_page(self) -> None:
        allow_url = self.options.allow_url

        def page(request: Request) -> HTMLResponse:
            language = chosen_language(request.cookies.get(COOKIE), request.headers.get("accept-language"))
            headers = {"cache-control": "no-cache", "content-language": language, "vary": "accept-language, cookie"}
            return HTMLResponse(page_html(allow_url=allow_url, language=language), headers=headers)

        def icon(_: Request) -> Response:
            return Response(status_code=204)

        self.api.add_route("/", page, methods=["GET"], include_in_schema=False)
        self.api.add_route("/favicon.ico", icon, methods=["GET"], include_in_schema=False)

        self.api.mount("/static", _Fresh(directory=HERE / "static"), name="static")
        self.api.mount("/examples", _Fresh(directory=HERE / "examples", check_dir=False), name="examples")

    def _allowed(self, path: str) -> list[str]:
        if self._paths is None:
            self._paths = document(self.api)["paths"]
        return allowed(self._paths, path)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        self.runs.start(warm=self.options.warm)
        sweeping = asyncio.create_task(self._sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            await run_in_threadpool(self.runs.close)
            if self.options.folder is None:
                shutil.rmtree(self.folder, ignore_errors=True)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(_SWEEP_EVERY_S, self.options.keep_s / 2))
            await run_in_threadpool(self.runs.sweep)
            self.kept_pictures.forget(await run_in_threadpool(self.kept_pictures.folders.sweep))


class _Fresh(StaticFiles):
    """Static files that the browser asks about again each time (an unchanged one costs a 304)."""

    def file_response(self, *args: Any, **kwargs: Any) -> Any:
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def make_app(options: Options | None = None) -> App:
    """The application, for uvicorn: `uvicorn.run(make_app(), port=7860)`."""
    return App(options)
