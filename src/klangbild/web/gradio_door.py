"""Named Gradio endpoints (`/compose`, `/emotion`, `/models`, `/health`) for `gradio_client`, on the same line of runs.

    client = gradio_client.Client("http://127.0.0.1:7860")
    record, midi, sound, roll = client.predict(gradio_client.handle_file("lake.jpg"), seconds=20, api_name="/compose")

Gradio takes seconds to import, so it is opened beside the page, which does not wait for it; a request that comes before waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse

from klangbild.errors import KlangbildError
from klangbild.web.knobs import Knob, knobs, plain_sentence, read_settings
from klangbild.web.looks import Looks
from klangbild.web.runs import Runs

if TYPE_CHECKING:
    import gradio as gr

_EVERY_S = 0.25


class GradioDoor:
    """An ASGI application that becomes Gradio's when one of Gradio's own paths is asked for; 404 for everything else."""

    def __init__(self, runs: Runs, looks: Looks, folder: Path) -> None:
        self.runs, self.looks, self.folder = runs, looks, folder
        self._inner: Any = None
        self._opening = asyncio.Lock()
        self._lifespan: Any = None
        self._imported: asyncio.Future[Any] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == "/config" or path.startswith("/gradio_api/")):
            answer = JSONResponse({"error": "there is nothing at this address; the page is at /", "field": None}, 404)
            await answer(scope, receive, send)
            return
        await self.open()
        await self._inner(scope, receive, send)

    async def open(self) -> None:
        """Import Gradio and start its background tasks, once."""
        async with self._opening:
            if self._inner is None:
                if self._imported is None:
                    self._imported = _in_a_thread(self._open)
                inner = await asyncio.shield(self._imported)
                self._lifespan = inner.router.lifespan_context(inner)
                await self._lifespan.__aenter__()
                self._inner = inner

    async def close(self) -> None:
        """End Gradio's background tasks, if it was ever opened."""
        if self._lifespan is not None:
            await self._lifespan.__aexit__(None, None, None)

    def _open(self) -> Any:
        self.folder.mkdir(parents=True, exist_ok=True)
        os.environ["GRADIO_TEMP_DIR"] = str(self.folder)
        import gradio as gr
        from fastapi import FastAPI

        blocks = make_blocks(self.runs, self.looks)
        return gr.mount_gradio_app(
            FastAPI(), blocks, path="", max_file_size=100_000_000, show_error=True, ssr_mode=False, footer_links=[],
            allowed_paths=[str(self.runs.shelf.root)],
        )  # fmt: skip


def _in_a_thread(work: Callable[[], Any]) -> asyncio.Future[Any]:
    """What `work` gives, from a thread that the process does not wait for when it ends: importing Gradio takes seconds."""
    loop = asyncio.get_running_loop()
    given = loop.create_future()

    def tell(act: Callable[[Any], None], value: Any) -> None:
        if not given.done():
            act(value)

    def run() -> None:
        try:
            act, value = given.set_result, work()
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            act, value = given.set_exception, error
        with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(tell, act, value)

    threading.Thread(target=run, name="klangbild-gradio", daemon=True).start()
    return given


def make_blocks(runs: Runs, looks: Looks) -> gr.Blocks:
    """The endpoints; their parameters are the settings, with the same names, ranges and defaults."""
    import gradio as gr

    listed = [knob for knob in knobs() if knob.kind != "file"]

    def compose(picture: str | None, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Yields the state while it waits and plays; the last one has the record and the files. Cancelling stops and keeps."""
        try:
            given = read_settings(_without_defaults(listed, values))
            look = looks.take(Path(picture).name, Path(picture).read_bytes()) if picture else None
            run = runs.submit(given, look=look)
        except KlangbildError as error:
            raise gr.Error(plain_sentence(error, folder=str(looks.shelf.root))[0]) from None
        # a cancelled job or a closed client is not told to us: it just stops asking for the next state
        run.listened = time.monotonic()
        while not run.over.wait(_EVERY_S):
            run.listened = time.monotonic()
            state = runs.describe(run)
            yield {key: state[key] for key in ("id", "status", "place", "progress", "step")}, None, None, None
        if run.files is None:
            raise gr.Error(run.error or run.step)
        midi = str(run.files.make("mid")) if "mid" in run.files.kinds else None
        yield run.record, midi, str(run.files.make("wav")), str(run.files.make("png"))

    def emotion(
        picture: str | None = None, text: str = "", emotion_model: str = "klangbild", kind: str = "auto"
    ) -> dict[str, Any]:
        try:
            given = read_settings({"text": text, "emotion_model": emotion_model, "kind": kind})
            look = looks.take(Path(picture).name, Path(picture).read_bytes()) if picture else None
            return looks.read(
                look,
                text=given.get("text"),
                model=given.get("emotion_model", "klangbild"),
                kind=given.get("kind", "auto"),
            )
        except KlangbildError as error:
            raise gr.Error(plain_sentence(error, folder=str(looks.shelf.root))[0]) from None

    def models() -> dict[str, Any]:
        from klangbild import hub
        from klangbild.web.knobs import installed_engines

        return {
            "engines": list(installed_engines()),
            "shipped": [card["name"] for card in hub.shipped()],
            "added": [folder.name for folder in hub.added()],
        }

    def health() -> dict[str, Any]:
        return {"status": "ok", **runs.counts()}

    # the client knows parameters by the names in the signature, and may leave out those with a default
    compose.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
            for name in ("picture", *(knob.name for knob in listed))
        ]
    )
    with gr.Blocks(title="klangbild", analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
        # a plain file: our own loader checks its size before anything decodes it
        picture = gr.File(type="filepath", label="picture")
        fields = {knob.name: _component(gr, knob) for knob in listed}
        record = gr.JSON(label="record")
        files = [gr.File(label=label) for label in ("midi", "sound", "piano_roll")]
        button = gr.Button("Make music")
        inputs = [picture, *fields.values()]
        # our own line sees to it that one runs at a time; here they only wait
        button.click(compose, inputs, [record, *files], api_name="compose", concurrency_limit=None)
        some = [picture, fields["text"], fields["emotion_model"], fields["kind"]]
        button.click(emotion, some, record, api_name="emotion", concurrency_limit=2)
        button.click(models, None, record, api_name="models")
        button.click(health, None, record, api_name="health", queue=False)
    return blocks.queue(max_size=runs.max_waiting)


def _component(gr: Any, knob: Knob) -> Any:
    about = {"label": knob.name, "info": knob.help}
    if knob.kind == "many":
        return gr.CheckboxGroup([value for value, _ in knob.choices], value=[], **about)
    if knob.kind == "switch":
        return gr.Checkbox(value=False, **about)
    if knob.kind == "choice":
        return gr.Dropdown(
            [value for value, _ in knob.choices],
            value=knob.default and str(knob.default),
            allow_custom_value=True,
            **about,
        )
    if knob.kind in ("number", "whole") and knob.name != "loudness":
        default = knob.default if knob.name != "seconds" else None
        # the range is checked by `Settings`, which says it in words
        return gr.Number(value=default, precision=0 if knob.kind == "whole" else None, **about)
    return gr.Textbox(value="" if knob.default is None else str(knob.default), **about)


def _without_defaults(listed: list[Knob], values: tuple[Any, ...]) -> dict[str, Any]:
    given = {}
    for knob, value in zip(listed, values, strict=True):
        if value not in (None, "", []) and str(value) != str(knob.default):
            given[knob.name] = value
    return given
