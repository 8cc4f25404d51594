"""Runs: one line for everybody, one run at a time, each in its own folder, followed bar by bar.

The page and the REST API put their wishes into the same line, so that a place in it is true.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from klangbild.compose import Composer, new_seed
from klangbild.engines import refuse_unheard, writes_notes
from klangbild.errors import InputError, KlangbildError, Stopped, UsageError
from klangbild.settings import Settings, flag_of
from klangbild.web import recipes
from klangbild.web.knobs import plain_sentence
from klangbild.web.looks import Look
from klangbild.web.roll import roll_of
from klangbild.web.run_files import RunFiles
from klangbild.web.shelf import Shelf, keep_upload

if TYPE_CHECKING:
    from klangbild.notes.piece import Piece

log = logging.getLogger(__name__)
MAX_WAITING = 60
_ROLL_EVERY_S = 0.15
FINISHED = ("done", "stopped", "failed", "cancelled")


class Full(KlangbildError):
    """The line is as long as it may get."""


@dataclass
class Run:
    """One wish and what came of it. status: queued, running, done, stopped (kept what existed), failed, cancelled.

    version grows with every change, so that a listener knows when to look; roll_version with every new bar.
    roll: `roll_of` the piece so far, as JSON text: a hundredth of what the same lists take in memory.
    """

    id: str
    folder: Path
    settings: Settings
    file: Path | None
    alt: str
    picture_id: str | None = None
    status: str = "queued"
    progress: float = 0.0
    step: str = "waiting"
    version: int = 0
    roll: str | None = None
    roll_version: int = 0
    emotion: dict[str, Any] | None = None
    reasons: tuple[str, ...] = ()
    record: dict[str, Any] | None = None
    error: str | None = None
    error_field: str | None = None
    files: RunFiles | None = None
    stop_asked: bool = False
    created: float = field(default_factory=time.monotonic)
    waits_s: dict[str, float] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def changed(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)
        self.version += 1

    def mark(self, name: str) -> None:
        """Note how many seconds after the wish something was there (kept from the first time)."""
        self.waits_s.setdefault(name, round(time.monotonic() - self.created, 3))


class Runs:
    """The line and its one worker."""

    def __init__(self, shelf: Shelf, composer: Composer, *, max_waiting: int = MAX_WAITING) -> None:
        self.shelf, self.composer, self.max_waiting = shelf, composer, max_waiting
        self.runs: dict[str, Run] = {}
        self._line: deque[Run] = deque()
        self._current: Run | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._warm = False
        self._worker = threading.Thread(target=self._work, name="klangbild-worker", daemon=True)

    def start(self, *, warm: bool = False) -> None:
        """Let the worker begin. warm: it first loads the models and the SoundFont, so that no visitor waits for them."""
        self._warm = warm
        self._worker.start()

    def close(self) -> None:
        """Stop the run in hand at its next bar, and the worker after it."""
        with self._changed:
            self._closing = True
            self._line.clear()
            if self._current:
                self._current.stop_asked = True
            self._changed.notify_all()
            # a piece in hand is brought to its end; warming up is not waited for
            patience_s = 20.0 if self._current else 2.0
        self._worker.join(timeout=patience_s)

    def submit(
        self,
        given: dict[str, Any],
        *,
        look: Look | None = None,
        alt: str = "",
        continues: tuple[str, bytes] | None = None,
    ) -> Run:
        """Into the line. given: keyword arguments of `Settings`. continues: (name, bytes) of a MIDI file to go on from.

        Raises:
            UsageError: a setting is wrong. Full: too many wait.
        """
        key, folder = self.shelf.new()
        try:
            if continues is not None:
                (folder / "before").mkdir()
                given = {**given, "continue_from": str(_music_file(folder / "before", *continues))}
            settings = Settings(**{**given, "seed": given.get("seed", new_seed())})
            refuse_unheard(settings)
            file = None
            if look is not None:
                file = folder / look.file.name
                shutil.copyfile(look.file, file)
                shutil.copyfile(look.folder / "thumbnail.jpg", folder / "thumbnail.jpg")
            run = Run(key, folder, settings, file, alt, picture_id=look.id if look else None)
            with self._changed:
                if len(self._line) >= self.max_waiting:
                    raise Full(f"{self.max_waiting} others are in line already; try again in a minute")
                self.runs[key] = run
                self._line.append(run)
                self._changed.notify_all()
        except BaseException:
            self.shelf.drop(key)
            raise
        return run

    def get(self, key: str) -> Run | None:
        """The run of an id, its hour beginning anew."""
        return self.runs.get(key) if self.shelf.folder(key) is not None else None

    def place(self, run: Run) -> int:
        """How many runs come before this one: 0 when it is its turn."""
        if run.status != "queued":
            return 0
        with self._changed:
            before = next((index for index, other in enumerate(self._line) if other is run), 0)
            return before + (1 if self._current else 0)

    def counts(self) -> dict[str, int]:
        """{"running", "waiting"}."""
        with self._changed:
            return {"running": int(self._current is not None), "waiting": len(self._line)}

    def stop(self, run: Run, *, keep: bool = False) -> None:
        """Waiting: taken out of the line. Running: comes to a stop and keeps what exists. Finished: removed with its files,
        or, with `keep`, left as it is (whoever asks to stop must not lose a piece that was ready a moment before)."""
        with self._changed:
            if run in self._line:
                self._line.remove(run)
                run.changed(status="cancelled", step="taken out of the line")
                run.over.set()
                return
        if run.status in FINISHED:
            if not keep:
                self.shelf.drop(run.id)
                self.runs.pop(run.id, None)
        else:
            run.stop_asked = True

    def sweep(self) -> list[str]:
        """Remove what is past its hour; gives the ids removed, of runs and of pictures."""
        with self._changed:
            busy = {run.id for run in self._line} | ({self._current.id} if self._current else set())
        gone = self.shelf.sweep(frozenset(busy))
        for key in gone:
            self.runs.pop(key, None)
        return gone

    def _warm_up(self) -> None:
        """In the worker's thread and nowhere else: a model remembers what it reads, and two pieces at once would mix."""
        try:
            grey = np.full((48, 48, 3), 128, np.uint8)
            self.composer.compose(grey, seconds=1, seed=1, on_progress=lambda *_: not self._closing)
        except KlangbildError as error:  # whatever is missing is told to the first visitor, in words
            log.warning("not ready: %s", error)

    def _work(self) -> None:
        if self._warm:
            self._warm_up()
        while True:
            with self._changed:
                while not self._line and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                run = self._current = self._line.popleft()
            try:
                self._perform(run)
            except Stopped:
                run.changed(status="cancelled", step="stopped before the first bar; nothing was kept")
            except KlangbildError as error:
                sentence, about = plain_sentence(error, folder=str(run.folder))
                run.changed(status="failed", error=sentence, error_field=about)
            except Exception:  # a bug must not take the line down with it; it is logged whole
                log.exception("run %s failed", run.id)
                run.changed(status="failed", error="Something went wrong here, not with your picture; try again")
            finally:
                with self._changed:
                    self._current = None
                run.over.set()

    def _perform(self, run: Run) -> None:
        if run.stop_asked:
            raise Stopped("nobody waits for this run any more")
        run.changed(status="running", step="reading the picture" if run.file else "reading the words")
        started = time.perf_counter()
        brief = self.composer.read(run.file, run.settings)
        if brief.picture_facts is not None and run.alt:
            brief = replace(brief, picture_facts={**brief.picture_facts, "alt": run.alt})
        reading_s = time.perf_counter() - started
        run.changed(step="writing notes" if writes_notes(run.settings) else "making sound", reasons=brief.reasons)
        last = 0.0

        def on_bar(piece: Piece) -> None:
            nonlocal last
            if not piece.n_notes or time.monotonic() - last < _ROLL_EVERY_S:
                return
            last = time.monotonic()
            run.roll = _roll_text(piece)
            run.roll_version += 1
            run.mark("first_notes_s")
            run.changed()

        def on_progress(done: float, total: float) -> bool:
            share = done / max(total, 1e-9)
            run.changed(progress=min(share, 1.0), step="playing the notes" if share >= 1 else run.step)
            return not run.stop_asked

        result = self.composer.perform(brief, on_progress=on_progress, on_bar=on_bar, reading_s=reading_s)
        if result.piece is not None:
            run.roll = _roll_text(result.piece)
            run.roll_version += 1
        files = RunFiles(run.folder, run.file, result)
        run.changed(record=result.record, step="writing the sound file", files=files, progress=1.0)
        files.make("mp3")
        run.mark("sound_s")
        run.changed(step="writing the other files")
        for kind in ("mid", "png", "json"):
            if kind in files.kinds:
                files.make(kind)
        files.slim()
        run.changed(status="stopped" if result.stopped else "done", step="ready")

    def describe(self, run: Run) -> dict[str, Any]:
        """A run as `GET /v1/runs/{id}` gives it."""
        name = run.file.name if run.file else None
        ready = run.files.ready() if run.files else {}
        base = f"/v1/runs/{run.id}"
        return {
            "id": run.id,
            "status": run.status,
            "place": self.place(run),
            "progress": round(run.progress, 3),
            "step": run.step,
            "seed": run.settings.seed,
            "error": run.error,
            "field": run.error_field,
            "record": run.record,
            "alt": run.alt,
            "sound": f"{base}/files/{ready['mp3']}" if "mp3" in ready else None,
            "files": {k: f"{base}/files/{n}" for k, n in run.files.names.items()}
            if run.status in FINISHED and run.files
            else {},
            "picture": f"{base}/picture" if run.file else None,
            "picture_id": run.picture_id,
            "command": recipes.command(name, run.settings),
            "python": recipes.python(name, run.settings),
            "waits_s": dict(run.waits_s),
            "links": {"self": base, "events": f"{base}/events", "roll": f"{base}/roll"},
        }


def _music_file(folder: Path, name: str, content: bytes) -> Path:
    """The uploaded file, kept. Raises UsageError: there is no music in it."""
    from klangbild.notes.midi import read_music

    path = keep_upload(folder, name, content)
    try:
        read_music(path)
    except InputError as error:
        raise UsageError(f"{flag_of('continue_from')}: {str(error).replace(f'{folder}/', '')}") from None
    return path


def _roll_text(piece: Piece) -> str:
    return json.dumps(roll_of(piece), separators=(",", ":"))
