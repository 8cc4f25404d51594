"""Runs: one line for everybody, one run at a time, each in its own folder, followed bar by bar.

The page and the REST API put their wishes into the same line, so that a place in it is true. A worker, a process of its own,
makes the music: when it dies, the run in hand is begun anew; when it makes no progress for a minute, that run is ended and says so.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from klangbild.composer import new_seed
from klangbild.errors import KlangbildError
from klangbild.formats.table import FORMATS, format_named
from klangbild.record.requests import request_of
from klangbild.settings import Settings
from klangbild.unheard import refuse_unheard
from klangbild.web import reproduce
from klangbild.web.again import NOTES
from klangbild.web.edits import EditJob, kept_beginning, kept_piece, midi_of
from klangbild.web.pictures import KeptPicture
from klangbild.web.run_files import REST, RunFiles
from klangbild.web.temporary_folders import TemporaryFolders, same_file
from klangbild.web.texts import STEPS
from klangbild.web.worker_process import Stalled, WorkerDied, WorkerProcess
from klangbild.whole_files import atomic_write

if TYPE_CHECKING:
    from klangbild.record.facts import Record

log = logging.getLogger(__name__)
MAX_WAITING = 60
STALL_S = 60.0
# a step of a published system at its real size takes minutes here
STALL_OF_OTHERS_S = 900.0
MAX_BEGINNINGS = 2
FINISHED = ("done", "stopped", "failed", "cancelled")


class Full(KlangbildError):
    """The line is as long as it may get."""


class Unmade(KlangbildError):
    """A file could not be made just now."""


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
    name: str | None = None
    """The picture's file."""
    status: str = "queued"
    progress: float = 0.0
    step: str = STEPS["waiting"]
    version: int = 0
    roll: str | None = None
    roll_version: int = 0
    again: dict[str, Any] | None = None
    """The record that it is made again from."""
    edit: EditJob | None = None
    """The piece that it is made from, and what is to be done to it."""
    emotion: dict[str, Any] | None = None
    reasons: tuple[str, ...] = ()
    record: dict[str, Any] | None = None
    error: str | None = None
    error_field: str | None = None
    files: RunFiles | None = None
    stop_asked: bool = False
    beginnings: int = 0
    """How often a worker began it: more than once where one died over it."""
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
    """The line, and the worker that it is handed to. stall_s: how long a piece may make no progress before it is ended."""

    def __init__(self, folders: TemporaryFolders, *, max_waiting: int = MAX_WAITING, stall_s: float = STALL_S) -> None:
        self.folders, self.max_waiting, self.stall_s = folders, max_waiting, stall_s
        self.runs: dict[str, Run] = {}
        self.composer = WorkerProcess(warm=True)
        self.player = WorkerProcess()  # large files are asked for while other pieces are composed
        self.filmer = WorkerProcess()  # films take about as long as the music lasts, and nobody's lanes wait for them
        self._line: deque[Run] = deque()
        self._current: Run | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="klangbild-line", daemon=True)

    def start(self, *, warm: bool = False) -> None:
        """Let the line move. warm: the worker loads the models and the SoundFont now, so that no visitor waits for them."""
        if warm:
            self.composer.start()
        self._thread.start()

    def close(self) -> None:
        """Stop the run in hand at its next bar, and end the workers."""
        with self._changed:
            self._closing = True
            self._line.clear()
            current = self._current
            self._changed.notify_all()
        if current:  # a piece in hand is brought to its end
            self.stop(current)
            current.over.wait(timeout=20.0)
        self.composer.close()
        self.player.close()
        self.filmer.close()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def submit(
        self,
        given: dict[str, Any],
        *,
        kept: KeptPicture | None = None,
        alt: str = "",
        continues: tuple[str, bytes | IO[bytes]] | None = None,
    ) -> Run:
        """Into the line. given: keyword arguments of `Settings`. continues: (name, content) of a MIDI file to go on from.

        Raises:
            UsageError: a setting is wrong. Full: too many wait.
        """
        key, folder = self.folders.new()
        try:
            if continues is not None:
                (folder / "before").mkdir()
                given = {**given, "continue_from": str(kept_beginning(folder / "before", *continues))}
            settings = Settings(**{**given, "seed": given.get("seed", new_seed())})
            refuse_unheard(settings)
            run = Run(key, folder, settings, None, alt)
            self._enter(run, kept)
        except BaseException:
            self.folders.drop(key)
            raise
        return run

    def submit_again(self, record: Record, *, kept: KeptPicture | None = None, notes: bytes | None = None) -> Run:
        """Into the line: the very piece of a record. kept: its picture, for an engine that looks at it. notes: its MIDI file, to be
        played. Raises UsageError, InputError: the picture is missing, or is another. Full: too many wait."""
        if notes is None:
            request_of(record, picture=kept.file if kept else None)  # tells at once what cannot be
        key, folder = self.folders.new()
        try:
            alt = (record.picture.alt if record.picture else None) or ""
            settings = replace(record.settings, seed=record.seed)
            run = Run(key, folder, settings, None, alt, again=record.as_dict())
            run.name = record.picture.name if record.picture else None
            if notes is not None:
                atomic_write(folder / NOTES, notes)
            self._enter(run, kept)
        except BaseException:
            self.folders.drop(key)
            raise
        return run

    def submit_edit(
        self, wish: dict[str, Any], *, piece: tuple[str, bytes | IO[bytes]] | None = None, before: Run | None = None
    ) -> Run:
        """Into the line: a piece to be edited. wish: see `edits.read_wish`. piece: (name, content) of a file; else `before` made it.

        Raises:
            UsageError: it is no piece, or has no notes. Full: too many wait.
        """
        key, folder = self.folders.new()
        try:
            piece = midi_of(before.files) if before else piece
            assert piece is not None
            job = kept_piece(folder / "before", *piece, wish)
            run = Run(key, folder, job.settings, None, before.alt if before else "", edit=job, name=job.name)
            if before is not None and before.file is not None:
                (folder / "picture").mkdir()
                run.file, run.picture_id = folder / "picture" / before.file.name, before.picture_id
                same_file(before.file, run.file)
                shutil.copyfile(before.folder / "thumbnail.jpg", folder / "thumbnail.jpg")
            self._enter(run, None)
        except BaseException:
            self.folders.drop(key)
            raise
        return run

    def _enter(self, run: Run, kept: KeptPicture | None) -> None:
        """With its picture into the line. Raises Full."""
        if kept is not None:
            (run.folder / "picture").mkdir()
            run.file = run.folder / "picture" / kept.file.name
            run.picture_id, run.name = kept.id, kept.file.name
            same_file(kept.file, run.file)
            shutil.copyfile(kept.folder / "thumbnail.jpg", run.folder / "thumbnail.jpg")
        with self._changed:
            if len(self._line) >= self.max_waiting:
                raise Full(f"{self.max_waiting} others are in line already; try again in a minute")
            self.runs[run.id] = run
            self._line.append(run)
            self._changed.notify_all()

    def get(self, key: str) -> Run | None:
        """The run of an id, its hour beginning anew."""
        return self.runs.get(key) if self.folders.folder(key) is not None else None

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
                run.changed(status="cancelled", step=STEPS["taken_out"])
                run.over.set()
                return
        if run.status in FINISHED:
            if not keep:
                self.folders.drop(run.id)
                self.runs.pop(run.id, None)
        else:
            run.stop_asked = True
            self.composer.say({"stop": run.id})

    def sweep(self) -> list[str]:
        """Remove what is past its hour; gives the ids removed, of runs and of pictures."""
        with self._changed:
            busy = {run.id for run in self._line} | ({self._current.id} if self._current else set())
        gone = self.folders.sweep(frozenset(busy))
        for key in gone:
            self.runs.pop(key, None)
        return gone

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._line and not self._closing:
                    self._changed.wait()
                if self._closing:
                    return
                run = self._current = self._line.popleft()
            again = False
            try:
                again = self._perform(run)
            except Exception:  # a bug must not take the line down with it; it is logged whole
                log.exception("run %s failed", run.id)
                run.changed(status="failed", error="Something went wrong here, not with your picture; try again")
            finally:
                with self._changed:
                    self._current = None
                    if again and not self._closing:
                        run.changed(status="queued", step=STEPS["anew"], progress=0.0)
                        self._line.appendleft(run)
                if run.status in FINISHED:
                    run.over.set()

    def _perform(self, run: Run) -> bool:
        """Have the worker make it; whether it must be begun anew, the worker having died over it."""
        if run.stop_asked:
            run.changed(status="cancelled", step=STEPS["nothing_kept"])
            return False
        run.beginnings += 1
        run.changed(status="running", step=STEPS["models"])
        job = {
            "job": "compose",
            "id": run.id,
            "folder": str(run.folder),
            "picture": str(run.file) if run.file else None,
            "settings": run.settings.as_asked(),
            "alt": run.alt,
            "record": run.again,
            "edit": {"piece": str(run.edit.piece), "wish": run.edit.wish} if run.edit else None,
        }
        patience_s = self.stall_s if run.settings.model is None else max(self.stall_s, STALL_OF_OTHERS_S)
        try:
            last = self.composer.do(job, lambda message: self._hear(run, message), stall_s=patience_s)
        except Stalled:
            log.warning("run %s made no progress for %.0f s and was ended", run.id, patience_s)
            sentence = (
                f"This piece made no progress for {patience_s:.0f} seconds and was ended; ask for less, or try again"
            )
            run.changed(status="failed", error=sentence, step=STEPS["ended"])
            return False
        except WorkerDied:
            log.warning("the worker died over run %s", run.id)
            if run.beginnings < MAX_BEGINNINGS and not run.stop_asked:
                return True
            sentence = "The process that made this piece ended twice (too little memory?); ask for a shorter piece"
            run.changed(status="failed", error=sentence, step=STEPS["ended"])
            return False
        over = last.pop("over")
        last.pop("id")
        if over == "stopped" and run.files and not run.files.ready():
            # what is kept of it is played elsewhere: the line is free now
            threading.Thread(target=self._finish, args=(run,), name="klangbild-stopped", daemon=True).start()
            return False
        run.changed(status=over, **{"step": STEPS["ready"], **last} if over in ("done", "stopped") else last)
        return False

    def _hear(self, run: Run, message: dict[str, Any]) -> None:
        """What the worker tells of the run in hand."""
        message.pop("id")
        if run.stop_asked:  # it may have been asked before the worker was there to hear it
            self.composer.say({"stop": run.id})
        if "roll" in message:
            run.roll_version += 1
            run.mark("first_notes_s")
        if "names" in message:
            run.files = RunFiles(run.folder, message.pop("names"), lambda kind: self._write_later(run, kind))
        if "mark" in message:
            run.mark(message.pop("mark"))
        if "reasons" in message:
            message["reasons"] = tuple(message["reasons"])
        run.changed(**message)

    def _finish(self, run: Run) -> None:
        """Have the sound of a stopped piece made, off the line."""
        try:
            self._write_later(run, REST, lambda message: self._hear(run, message))
            run.changed(status="stopped", step=STEPS["ready"])
        except KlangbildError as error:
            run.changed(status="failed", error=str(error), step=STEPS["ended"])
        finally:
            run.over.set()

    def _write_later(self, run: Run, kind: str, hear: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        """Raises KlangbildError: the file could not be made."""
        job = {"job": "file", "id": f"{run.id}/{kind}", "folder": str(run.folder), "kind": kind}
        slow = kind in FORMATS and format_named(kind).slow
        worker, patience_s = (self.filmer, STALL_OF_OTHERS_S) if slow else (self.player, 2 * STALL_S)
        try:
            last = worker.do(job, hear, stall_s=max(self.stall_s, patience_s))
        except (WorkerDied, Stalled):
            raise Unmade("this file could not be made just now; ask for it again") from None
        if last["over"] != "done":
            raise Unmade(last["error"])

    def describe(self, run: Run) -> dict[str, Any]:
        """A run as `GET /v1/runs/{id}` gives it."""
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
            **reproduce.words(run.name, run.settings, run.edit.wish if run.edit else None),
            "waits_s": dict(run.waits_s),
            "links": {"self": base, "events": f"{base}/events", "roll": f"{base}/roll", "lanes": f"{base}/lanes"},
        }
