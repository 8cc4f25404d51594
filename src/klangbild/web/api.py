"""The REST API under /v1: the same names as the command line, every error one plain sentence."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from klangbild import __version__
from klangbild.errors import UsageError
from klangbild.settings import Settings
from klangbild.web.again import read_again, read_notes
from klangbild.web.answers import NotThere, send_file
from klangbild.web.bodies import MAX_TEXT_BYTES, Body, FieldError, read_body, read_json
from klangbild.web.docs_page import docs_html
from klangbild.web.edits import read_wish, settings_in
from klangbild.web.form_fields import form_fields, installed_engines, read_settings, without_folders
from klangbild.web.marked_words import marked_words
from klangbild.web.openapi import MAX_ALT_LETTERS, MAX_ID_LETTERS, MAX_URL_LETTERS, answers, sends
from klangbild.web.pictures import KeptPicture, KeptPictures
from klangbild.web.queue import FINISHED, Run, Runs
from klangbild.web.turns import Turns

_TICK_S = 0.1
_HEARTBEAT_S = 1.0
"""A page that hears nothing for three times as long says that the server is gone."""
_SOUNDS = (
    "audio/midi", "audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "image/png", "application/zip", "application/json",
)  # fmt: skip
_NO_ROLL = '{"seconds":0,"bars":[],"lanes":[]}'
Route = TypeVar("Route", bound=Callable[..., Any])


def make_api(
    runs: Runs, kept_pictures: KeptPictures, document: Callable[[], dict[str, Any]], *, allow_url: bool
) -> APIRouter:
    """The routes. document: gives the OpenAPI document. allow_url: whether `picture_url` may be given."""
    api = APIRouter(prefix="/v1", default_response_class=JSONResponse)
    # by what they wait for: the picture decoder, MIDI, other servers, the player
    pictures, midi, addresses, files = Turns(1), Turns(1), Turns(8), Turns(4)

    def get(path: str, **about: Any) -> Callable[[Route], Route]:
        """A route for GET, and for HEAD, which the document does not list."""

        def add(route: Route) -> Route:
            api.get(path, response_model=None, **about)(route)
            api.head(path, response_model=None, include_in_schema=False)(route)
            return route

        return add

    @api.post(
        "/compose", status_code=202, response_model=None, tags=["music"],
        responses=answers(202, "Run", "it is in line; `Location` says where it is followed", 408, 409, 413, 422, 503),
    )  # fmt: skip
    async def compose(request: Request) -> JSONResponse:
        """A picture, words or both become music. Gives at once 202 and a run; follow `links.self` or `links.events`."""
        body = await read_body(request)
        body.refuse("piece")
        kept = await _picture_of(request, body)
        alt = body.take_text("alt", MAX_ALT_LETTERS) or ""
        given = await run_in_threadpool(read_settings, body.values, typed=body.typed)
        if kept is None and not given.get("text"):
            raise UsageError("there is neither a picture nor words; give at least one")
        submit = partial(runs.submit, given, kept=kept, alt=alt, continues=body.continues)
        run = await (midi.take(request, submit) if body.continues else run_in_threadpool(submit))
        return JSONResponse(runs.describe(run), status_code=202, headers={"location": f"/v1/runs/{run.id}"})

    @api.post(
        "/replay", status_code=202, response_model=None, tags=["music"],
        responses=answers(202, "Run", "it is in line", 408, 409, 413, 422, 503),
    )  # fmt: skip
    async def replay(request: Request) -> JSONResponse:
        """The very piece of a record again, byte for byte, long after its run was removed. `picture_id` only for engines that look at it;
        with `midi` (base64) its notes are only played, at once, each to a sample."""
        values = await read_json(request)
        body = Body(dict(values), typed=True) if isinstance(values, dict) else Body()
        kept = await _picture_of(request, body)
        text = body.take_text("midi", MAX_TEXT_BYTES)
        record = await run_in_threadpool(partial(read_again, body.values.pop("record", None)))
        if body.values:
            raise UsageError(
                f"'{sorted(body.values)[0][:80]}' is nothing to play again by; give record, picture_id, midi"
            )
        notes = await midi.take(request, read_notes, text) if text else None
        run = await run_in_threadpool(partial(runs.submit_again, record, kept=kept, notes=notes))
        return JSONResponse(runs.describe(run), status_code=202, headers={"location": f"/v1/runs/{run.id}"})

    @api.post(
        "/edit", status_code=202, response_model=None, tags=["music"],
        responses=answers(202, "Run", "it is in line", 404, 408, 409, 413, 422, 503),
    )  # fmt: skip
    async def edit(request: Request) -> JSONResponse:
        """A piece changed where it is asked, the rest left event for event: `run`, one made here, or `piece`, a file of anybody's in a form."""
        body = await read_body(request)
        body.refuse("picture", "continue_from")
        key = body.take_text("run", MAX_ID_LETTERS)
        if (key is None) == (body.piece is None):
            raise FieldError("say which piece: the run that made it, or a file named 'piece'; one of them", "piece")
        wish = await run_in_threadpool(partial(read_wish, body.values, typed=body.typed))
        before = None if key is None else _run(key)
        run = await midi.take(request, partial(runs.submit_edit, wish, piece=body.piece, before=before))
        return JSONResponse(runs.describe(run), status_code=202, headers={"location": f"/v1/runs/{run.id}"})

    @api.post(
        "/emotion", response_model=None, tags=["emotion"],
        responses=answers(200, "Reading", "what is seen", 408, 409, 413, 422, 503),
    )  # fmt: skip
    async def emotion_of_upload(request: Request) -> dict[str, Any]:
        """What is seen in a picture: valence, arousal, why, and its palette. The picture's id serves `compose` for an hour."""
        body = await read_body(request)
        body.refuse("piece")
        kept = await _picture_of(request, body)
        if body.continues:
            raise FieldError("an emotion is not read from a MIDI file; leave it out", "continue_from")
        return await _read(request, kept, body.values, typed=body.typed)

    @get("/emotion", tags=["emotion"], responses=answers(200, "Reading", "what is heard and seen", 409, 422, 503))
    async def emotion(
        request: Request,
        text: str | None = Query(None, description="words"),
        picture: str | None = Query(None, description="a picture given before: its id"),
        emotion_model: str = Query("klangbild", description="who reads the picture"),
        kind: str = Query("auto", description="what the picture is: auto, painting or photo"),
        engine: str = Query("notes", description="who is to hear the words"),
        model: str | None = Query(None, description="its model by name"),
    ) -> dict[str, Any]:
        """The same for words, or for a picture given before (its id), with other words."""
        kept = kept_pictures.get(picture) if picture else None
        return await _read(
            request,
            kept,
            {"text": text, "emotion_model": emotion_model, "kind": kind, "engine": engine, "model": model},
            typed=False,
        )

    @get("/words", tags=["emotion"], responses=answers(200, "Words", "word by word", 422))
    def words(
        text: str | None = Query(None, description="words"),
        negative: str | None = Query(None, description="words to keep away from"),
        engine: str = Query("notes", description="who is to hear them"),
        model: str | None = Query(None, description="a model by name"),
    ) -> dict[str, Any]:
        """Which words the chosen engine hears, and as what."""
        values = {"text": text, "negative": negative, "engine": engine, "model": model}
        given = Settings(**read_settings(values))
        marked = {
            name: marked_words(
                getattr(given, name), engine=given.engine, model=given.model, negative=name == "negative"
            )
            for name in ("text", "negative")
        }
        return {name: [asdict(word) for word in found] for name, found in marked.items()}

    @get("/runs/{key}", tags=["music"], responses=answers(200, "Run", "how it stands", 404))
    async def run_status(key: str) -> dict[str, Any]:
        """How a run stands: status, place in line, progress, and at the end its record and files."""
        return runs.describe(_run(key))

    @api.delete(
        "/runs/{key}", response_model=None, tags=["music"],
        responses=answers(200, "Run", "how it stood, or stands now", 404, 422),
    )  # fmt: skip
    async def delete_run(key: str, keep: bool = False) -> dict[str, Any]:
        """Waiting: leaves the line. Running: stops at the next bar and keeps what exists. Finished: removed with its files
        (with `keep=true` left as it is)."""
        run = _run(key)
        await run_in_threadpool(lambda: runs.stop(run, keep=keep))
        return runs.describe(run)

    @get(
        "/runs/{key}/events", tags=["music"], response_class=StreamingResponse,
        responses=sends(("text/event-stream",), "`state` (a Run) and `roll` (a Roll) as they change, `beat` each second", 404),
    )  # fmt: skip
    async def run_events(key: str, request: Request) -> Response:
        """Server-sent events: `state` whenever something changed, `roll` with the notes so far; ends with the run."""
        run = _run(key)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        if request.method == "HEAD":
            return Response(media_type="text/event-stream", headers=headers)
        return StreamingResponse(_follow(runs, run), media_type="text/event-stream", headers=headers)

    @get("/runs/{key}/roll", tags=["music"], responses=answers(200, "Roll", "the notes so far", 404))
    async def run_roll(key: str) -> Response:
        """The notes so far, in seconds, by family."""
        return Response(_run(key).roll or _NO_ROLL, media_type="application/json")

    @get(
        "/runs/{key}/picture", tags=["music"], response_class=FileResponse,
        responses=sends(("image/jpeg",), "at most 480 pixels wide and high", 404, 416, parts=True),
    )  # fmt: skip
    async def run_picture(key: str, request: Request) -> Response:
        """A small copy of the run's picture."""
        path = _run(key).folder / "thumbnail.jpg"
        if not path.exists():
            raise NotThere("this run has no picture")
        return send_file(request, path, download=False)

    @get(
        "/pictures/{key}", tags=["emotion"], response_class=FileResponse,
        responses=sends(("image/jpeg",), "at most 480 pixels wide and high", 404, 416, parts=True),
    )  # fmt: skip
    async def given_picture(key: str, request: Request) -> Response:
        """A small copy of a picture given before."""
        if not kept_pictures.knows(key):
            raise NotThere("there is no such picture (pictures are removed after an hour); give it again")
        return send_file(request, kept_pictures.get(key).folder / "thumbnail.jpg", download=False)

    @get(
        "/runs/{key}/files/{name}", tags=["music"], response_class=FileResponse,
        responses=sends(_SOUNDS, "the file, by its kind", 404, 416, 422, 503, parts=True),
    )  # fmt: skip
    async def run_file(key: str, name: str, request: Request, download: bool = False) -> Response:
        """A file of a finished run; large ones are made when first asked for. `download=true`: to be saved, not shown."""
        run = _run(key)
        path = run.files.written(name) if run.files else None
        if path is None and run.files:
            path = await files.take(request, run.files.path, name)
        if path is None:
            raise NotThere(f"this run has no file '{name[:80]}'; GET /v1/runs/{key} lists them")
        return send_file(request, path, download=download)

    @get(
        "/runs/{key}/lanes/{name}", tags=["music"], response_class=FileResponse,
        responses=sends(("audio/flac",), "the sound of one lane of the roll, 16 bit", 404, 416, 422, 503, parts=True),
    )  # fmt: skip
    async def run_lane(key: str, name: str, request: Request) -> Response:
        """One instrument family of a finished run, `piano.flac`: their sum is the mix. Made when first asked for."""
        run = _run(key)
        path = await files.take(request, run.files.lane, name) if run.files and run.status in FINISHED else None
        if path is None:
            raise NotThere(f"this run has no lane '{name[:80]}'; its roll names those it has, once it is finished")
        return send_file(request, path, download=False)

    @get("/models", tags=["about"], responses=answers(200, "Models", "by name, with their licences"))
    def models() -> dict[str, Any]:
        """The engines and models installed here, with their licences."""
        from klangbild import hub

        shipped = [
            {"name": c["name"], "kind": c.get("kind"), "licence": c.get("licence", "not stated")} for c in hub.shipped()
        ]
        added = [{"name": m.name, "kind": m.kind, "licence": m.licence} for m in hub.added()]
        damaged = [{"name": m.name, "why": without_folders(m.why)} for m in hub.damaged()]
        return {"engines": list(installed_engines()), "shipped": shipped, "added": added, "damaged": damaged}

    every_setting = {"type": "array", "items": {"$ref": "#/components/schemas/Setting"}}

    @get("/settings", tags=["about"], responses=answers(200, every_setting, "in the order of the command line"))
    def settings() -> list[dict[str, Any]]:
        """Every setting with its help, range, choices and default: the same as the command line's."""
        return [field.as_dict() for field in form_fields()]

    @api.post(
        "/settings", response_model=None, tags=["about"],
        responses=answers(200, "Preset", "the settings that it holds", 408, 413, 422),
    )  # fmt: skip
    async def check_settings(request: Request) -> dict[str, Any]:
        """Check a preset: a JSON object of settings, a result's own JSON, or any file of ours as `piece` in a form. Gives the settings
        that it holds."""
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            sent = await read_body(request)
            sent.refuse("picture", "continue_from")
            if sent.piece is None or sent.values:
                raise FieldError("send one file of ours as 'piece', and nothing else", "piece")
            body: Any = await midi.take(request, settings_in, *sent.piece)
        else:
            body = await read_json(request)
            body = body.get("settings", body) if isinstance(body, dict) else body
        names = {field.name for field in form_fields()}
        if not isinstance(body, dict) or (body and not names & set(body)):
            raise UsageError("this file holds no settings; save some from this page first")
        known = {k: v for k, v in body.items() if k in names and k != "continue_from"}
        given = await run_in_threadpool(read_settings, known, typed=True)
        Settings(**given)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}

    @get("/health", tags=["about"], responses=answers(200, "Health", "it lives"))
    def health() -> dict[str, Any]:
        """Whether it lives, and how long the line is."""
        return {"status": "ok", "klangbild": __version__, **runs.counts(), "max_waiting": runs.max_waiting}

    @get("/openapi.json", tags=["about"], responses=answers(200, {"type": "object"}, "OpenAPI 3.1"))
    def openapi_json() -> dict[str, Any]:
        """This document, for programs."""
        return document()

    @get("/docs", tags=["about"], response_class=HTMLResponse, responses=sends(("text/html",), "a page"))
    def docs() -> HTMLResponse:
        """This document, for people."""
        return HTMLResponse(docs_html(document()), headers={"cache-control": "no-cache"})

    def _run(key: str) -> Run:
        run = runs.get(key)
        if run is None:
            raise NotThere("there is no such run (runs are removed after an hour); make it again")
        return run

    async def _picture_of(request: Request, body: Body) -> KeptPicture | None:
        key = body.take_text("picture_id", MAX_ID_LETTERS)
        url = body.take_text("picture_url", MAX_URL_LETTERS)
        if sum(given is not None for given in (body.picture, key, url)) > 1:
            raise FieldError("there is more than one picture; give a file, an id or an address", "picture")
        if body.picture is not None:
            return await pictures.take(request, kept_pictures.take, *body.picture)
        if url:
            if not allow_url:
                raise UsageError("addresses are not fetched here; save the picture and give the file")
            from klangbild.web.fetch import fetch_picture

            fetched = await addresses.take(request, fetch_picture, url)
            return await pictures.take(request, kept_pictures.take, *fetched)
        return kept_pictures.get(key) if key else None

    async def _read(
        request: Request, kept: KeptPicture | None, values: dict[str, Any], *, typed: bool
    ) -> dict[str, Any]:
        unheard = set(values) - {"text", "emotion_model", "kind", "engine", "model"}
        if unheard:
            name = sorted(unheard)[0][:80]
            raise UsageError(f"'{name}' does not change what is seen; give text, emotion_model, kind, engine or model")
        given = await run_in_threadpool(read_settings, values, typed=typed)
        settings = Settings(**given)
        if kept is None and not settings.text:
            raise UsageError("there is neither a picture nor words; give at least one")
        return await pictures.take(
            request,
            kept_pictures.read,
            kept,
            text=settings.text,
            model=settings.emotion_model,
            kind=settings.kind,
            engine=settings.engine,
            player=settings.model,
        )

    return api


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
            yield "event: beat\ndata: {}\n\n"
        await asyncio.sleep(_TICK_S)
