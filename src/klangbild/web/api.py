"""The REST API under /v1: the same names as the command line, every error one plain sentence."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from klangbild import __version__
from klangbild.errors import InputError, KlangbildError, NotAvailableError, UsageError
from klangbild.settings import Settings
from klangbild.web import openapi
from klangbild.web.knobs import installed_engines, knobs, plain_sentence, read_settings
from klangbild.web.looks import Look, Looks
from klangbild.web.runs import FINISHED, Full, Run, Runs, Unmade

_TICK_S = 0.1
_HEARTBEAT_S = 15.0


class NotThere(KlangbildError):
    """No run or picture of that id."""


def make_api(runs: Runs, looks: Looks, *, allow_url: bool) -> APIRouter:
    """The routes. allow_url: whether `picture_url` may be given."""
    api = APIRouter(prefix="/v1")

    @api.post("/compose", status_code=202, openapi_extra=openapi.COMPOSE, tags=["music"])
    async def compose(request: Request) -> JSONResponse:
        """A picture, words or both become music. Gives at once 202 and a run; follow `links.self` or `links.events`."""
        values, picture, continues = await _form(request)
        look = await _look_of(values, picture)
        alt = str(values.pop("alt", "") or "")[:500]
        given = await run_in_threadpool(read_settings, values)
        if look is None and not given.get("text"):
            raise UsageError("there is neither a picture nor words; give at least one")
        content = (continues.filename or "before.mid", await continues.read()) if continues else None
        run = await run_in_threadpool(lambda: runs.submit(given, look=look, alt=alt, continues=content))
        return JSONResponse(runs.describe(run), status_code=202, headers={"location": f"/v1/runs/{run.id}"})

    @api.post("/emotion", openapi_extra=openapi.EMOTION, tags=["emotion"])
    async def emotion_of_upload(request: Request) -> dict[str, Any]:
        """What is seen in a picture: valence, arousal, why, and its palette. The picture's id serves `compose` for an hour."""
        values, picture, _ = await _form(request)
        look = await _look_of(values, picture)
        return await _read(look, values)

    @api.get("/emotion", tags=["emotion"])
    async def emotion(
        text: str | None = None, picture: str | None = None, emotion_model: str = "klangbild", kind: str = "auto"
    ) -> dict[str, Any]:
        """The same for words, or for a picture given before (its id), with other words."""
        look = looks.get(picture) if picture else None
        return await _read(look, {"text": text, "emotion_model": emotion_model, "kind": kind})

    @api.get("/runs/{key}", tags=["music"])
    async def status(key: str) -> dict[str, Any]:
        """How a run stands: status, place in line, progress, and at the end its record and files."""
        return runs.describe(_run(key))

    @api.delete("/runs/{key}", tags=["music"])
    async def cancel(key: str, keep: bool = False) -> dict[str, Any]:
        """Waiting: leaves the line. Running: stops at the next bar and keeps what exists. Finished: removed with its files
        (with `keep=true` left as it is)."""
        run = _run(key)
        await run_in_threadpool(lambda: runs.stop(run, keep=keep))
        return runs.describe(run)

    @api.get("/runs/{key}/events", tags=["music"])
    async def events(key: str) -> StreamingResponse:
        """Server-sent events: `state` whenever something changed, `roll` with the notes so far; ends with the run."""
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(_follow(runs, _run(key)), media_type="text/event-stream", headers=headers)

    @api.get("/runs/{key}/roll", tags=["music"])
    async def roll(key: str) -> Response:
        """The notes so far, in seconds, by family."""
        return Response(_run(key).roll or '{"seconds":0,"bars":[],"lanes":[]}', media_type="application/json")

    @api.get("/runs/{key}/picture", tags=["music"])
    async def thumbnail(key: str) -> FileResponse:
        """A small copy of the run's picture."""
        path = _run(key).folder / "thumbnail.jpg"
        if not path.exists():
            raise NotThere("this run has no picture")
        return FileResponse(path, media_type="image/jpeg")

    @api.get("/pictures/{key}", tags=["emotion"])
    async def given(key: str) -> FileResponse:
        """A small copy of a picture given before."""
        return FileResponse(looks.get(key).folder / "thumbnail.jpg", media_type="image/jpeg")

    @api.get("/runs/{key}/files/{name}", tags=["music"])
    async def file(key: str, name: str, download: bool = False) -> Response:
        """A file of a finished run; large ones are made when first asked for."""
        run = _run(key)
        path = await run_in_threadpool(run.files.path, name) if run.files else None
        if path is None:
            raise NotThere(f"this run has no file '{name[:80]}'; GET /v1/runs/{key} lists them")
        return send_file(path, download=download)

    @api.get("/models", tags=["about"])
    def models() -> dict[str, Any]:
        """The engines and models installed here, with their licences."""
        from klangbild import hub

        shipped = [
            {"name": c["name"], "kind": c.get("kind"), "licence": c.get("licence", "not stated")} for c in hub.shipped()
        ]
        added = [{"name": m.name, "kind": m.kind, "licence": m.licence} for m in hub.added()]
        damaged = [{"name": m.name, "why": m.why} for m in hub.damaged()]
        return {"engines": list(installed_engines()), "shipped": shipped, "added": added, "damaged": damaged}

    @api.get("/settings", tags=["about"])
    def settings() -> list[dict[str, Any]]:
        """Every setting with its help, range, choices and default: the same as the command line's."""
        return [knob.as_dict() for knob in knobs()]

    @api.post("/settings", openapi_extra=openapi.SETTINGS, tags=["about"])
    async def check_settings(request: Request) -> dict[str, Any]:
        """Check a preset: a JSON object of settings, or a result's own JSON. Gives the settings that are not default."""
        body = await _json(request)
        body = body.get("settings", body) if isinstance(body, dict) else body
        if not isinstance(body, dict):
            raise UsageError("this file holds no settings; save some from this page first")
        names = {knob.name for knob in knobs()}
        if body and not names & set(body):
            raise UsageError("this file holds no settings; save some from this page first")
        given = await run_in_threadpool(
            read_settings, {k: v for k, v in body.items() if k in names and k != "continue_from"}
        )
        Settings(**given)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}

    @api.get("/health", tags=["about"])
    def health() -> dict[str, Any]:
        """Whether it lives, and how long the line is."""
        return {"status": "ok", "klangbild": __version__, **runs.counts(), "max_waiting": runs.max_waiting}

    def _run(key: str) -> Run:
        run = runs.get(key)
        if run is None:
            raise NotThere("there is no such run (runs are removed after an hour); make it again")
        return run

    async def _look_of(values: dict[str, Any], picture: UploadFile | None) -> Look | None:
        key, url = values.pop("picture_id", None), values.pop("picture_url", None)
        if picture is not None:
            content = await picture.read()
            return await run_in_threadpool(looks.take, picture.filename or "picture", content)
        if url:
            if not allow_url:
                raise UsageError("addresses are not fetched here; save the picture and give the file")
            from klangbild.web.fetch import fetch_picture

            return await run_in_threadpool(lambda: looks.take(*fetch_picture(str(url))))
        return looks.get(str(key)) if key else None

    async def _read(look: Look | None, values: dict[str, Any]) -> dict[str, Any]:
        given = await run_in_threadpool(
            read_settings, {k: v for k, v in values.items() if k in ("text", "emotion_model", "kind")}
        )
        Settings(**given)
        return await run_in_threadpool(
            lambda: looks.read(
                look,
                text=given.get("text"),
                model=given.get("emotion_model", "klangbild"),
                kind=given.get("kind", "auto"),
            )
        )

    return api


def send_file(path: Path, *, download: bool) -> FileResponse:
    """A file under its own name, to be shown or to be saved; players may ask for parts of it."""
    types = {
        ".mid": "audio/midi",
        ".wav": "audio/wav",
        ".mp3": "audio/mpeg",
        ".flac": "audio/flac",
        ".ogg": "audio/ogg",
    }
    kind = "attachment" if download else "inline"
    return FileResponse(path, filename=path.name, media_type=types.get(path.suffix), content_disposition_type=kind)


async def answer_error(request: Request, error: Exception) -> JSONResponse:
    """Every `KlangbildError` as {"error": one sentence, "field": a setting, "picture", or None} and a fitting status."""
    field, headers = None, None
    if isinstance(error, HTTPException):
        status, headers, sentence = error.status_code, error.headers, _WORDS.get(error.status_code, str(error.detail))
    elif isinstance(error, KlangbildError):
        sentence, field = plain_sentence(error, folder=_folder_in(str(error)))
        if isinstance(error, InputError):
            field = field or "picture"
        statuses = (
            (NotThere, 404),
            (Full, 503),
            (Unmade, 503),
            (NotAvailableError, 409),
            (UsageError, 422),
            (InputError, 422),
        )
        status = next((code for kind, code in statuses if isinstance(error, kind)), 500)
    else:
        status, sentence = 500, "Something went wrong here; try again"
    return JSONResponse({"error": sentence, "field": field}, status_code=status, headers=headers)


_WORDS = {
    404: "There is nothing at this address; the page is at /, the API at /v1/openapi.json",
    405: "This address does not answer to that method; /v1/openapi.json says which ones it knows",
}


def _folder_in(message: str) -> str:
    """The folder of ours that a message about an uploaded file begins with; visitors see the file's own name."""
    first = message.split(":", 1)[0]
    return str(Path(first).parent) if first.startswith("/") else ""


async def _form(request: Request) -> tuple[dict[str, Any], UploadFile | None, UploadFile | None]:
    """(values by name, picture, MIDI to go on from) of a multipart form or a JSON body."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        body = await _json(request)
        if not isinstance(body, dict):
            raise UsageError("the body is not a JSON object; give names and values")
        if isinstance(body.get("picture"), str):
            raise UsageError("a picture cannot travel inside JSON; send a form, or picture_id")
        return body, None, None
    form = await request.form(max_files=2, max_fields=100, max_part_size=1_000_000)
    values: dict[str, Any] = {}
    files: dict[str, UploadFile] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if value.filename:
                files[name] = value
        elif name in values:
            values[name] = f"{values[name]},{value}"
        else:
            values[name] = value
    unknown = set(files) - {"picture", "continue_from"}
    if unknown or (isinstance(values.get("picture"), str) and values.pop("picture")):
        raise UsageError("send the picture as a file named 'picture' (and a MIDI file as 'continue_from')")
    return values, files.get("picture"), files.get("continue_from")


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except ValueError:
        raise UsageError("this is not JSON; give an object of names and values") from None


async def _follow(runs: Runs, run: Run) -> AsyncIterator[str]:
    """The events of a run, newest state only, until it is over."""
    seen, seen_roll, beat = None, 0, time.monotonic()
    while True:
        finished = run.status in FINISHED
        state = (run.version, runs.place(run))
        if run.roll_version != seen_roll:
            seen_roll = run.roll_version
            yield f"event: roll\ndata: {run.roll}\n\n"
        if state != seen:
            seen, beat = state, time.monotonic()
            yield f"event: state\ndata: {json.dumps(runs.describe(run))}\n\n"
        if finished:
            return
        if time.monotonic() - beat > _HEARTBEAT_S:
            beat = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(_TICK_S)
