"""A process of its own that composes: `python -m klangbild.web.worker`. The server's line hands it one piece after another.

What a visitor's picture or wish does to it (memory, a crash inside a library, no end) does not reach the server, which ends it and
starts another. Both speak in lines of JSON, over the worker's standard input and output:

    to it     {"job": "compose", "id", "folder", "picture", "settings", "alt", "record", "edit"}, {"job": "file", "folder", "kind"}, {"stop": id}
    from it   {"ready": true}, {"id", ...what changed in the run...}, and at last {"id", "over": "done" | "stopped" | ...}

When its input ends it ends, whatever it is doing: no worker outlives its server.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from klangbild.composer import Composer, edit, replay_record
from klangbild.errors import KlangbildError, Stopped
from klangbild.formats.table import FORMATS, format_named
from klangbild.models.engines import writes_notes
from klangbild.music.midi import read_midi
from klangbild.record.facts import Record
from klangbild.record.requests import request_of
from klangbild.settings import Settings
from klangbild.web import run_files
from klangbild.web.again import NOTES, played_again
from klangbild.web.form_fields import plain_sentence
from klangbild.web.roll_json import roll_of
from klangbild.web.texts import STEPS

if TYPE_CHECKING:
    from klangbild.music.piece import Piece
    from klangbild.result import Result

log = logging.getLogger(__name__)
_ROLL_EVERY_S = 0.15


class Worker:
    """Does jobs one by one and tells of them. tell(message) sends one to the server."""

    def __init__(self, tell: Any) -> None:
        self.tell = tell
        self.composer = Composer()
        self.jobs: queue.Queue[dict[str, Any]] = queue.Queue()
        self._stopped: set[str] = set()
        self._is_nice = False

    def listen(self, lines: IO[bytes]) -> None:
        """Take what the server says, beside the work in hand, until it says no more."""
        try:
            for line in lines:
                message = json.loads(line)
                if "stop" in message:
                    self._stopped.add(message["stop"])
                else:
                    self.jobs.put(message)
        finally:
            os._exit(0)  # the server is gone, maybe in the middle of a line: nobody waits for what is being made

    def warm_up(self) -> None:
        """Load the models and the SoundFont, so that no visitor waits for them."""
        try:
            grey = np.full((48, 48, 3), 128, np.uint8)
            _ = self.composer.compose(grey, seconds=1, seed=1).audio
        except KlangbildError as error:  # whatever is missing is told to the first visitor, in words
            log.warning("not ready: %s", error)

    def work(self) -> None:
        """Do what is asked, for ever."""
        while True:
            job = self.jobs.get()
            folder = job["folder"]
            try:
                over = self._compose(job) if job["job"] == "compose" else self._file(job)
                self.tell({"id": job["id"], "over": over})
            except Stopped:
                self.tell({"id": job["id"], "over": "cancelled", "step": STEPS["nothing_kept"]})
            except KlangbildError as error:
                sentence, about = plain_sentence(error, folder=folder, settings=not job.get("edit"))
                self.tell({"id": job["id"], "over": "failed", "error": sentence, "error_field": about})
            except MemoryError:
                sentence = "This piece needs more memory than there is here; ask for a shorter one"
                self.tell({"id": job["id"], "over": "failed", "error": sentence})
            except Exception:  # a bug must not take the line down with it; it is logged whole
                log.exception("job %s failed", job["id"])
                sentence = "Something went wrong here, not with your picture; try again"
                self.tell({"id": job["id"], "over": "failed", "error": sentence})
            self._stopped.discard(job["id"])

    def _file(self, job: dict[str, Any]) -> str:
        if job["kind"] in FORMATS and format_named(job["kind"]).slow and not self._is_nice and hasattr(os, "nice"):
            os.nice(10)  # a process of its own, which lets those go first that somebody waits for
            self._is_nice = True
        for told in run_files.write_later(Path(job["folder"]), job["kind"]):
            self.tell({"id": job["id"], **told})
        return "done"

    def _compose(self, job: dict[str, Any]) -> str:
        """One piece, followed bar by bar, its small files written -> "done" or "stopped" (what existed is kept)."""
        key, folder = job["id"], Path(job["folder"])
        picture = Path(job["picture"]) if job["picture"] else None
        result = self._of_a_piece(job, picture) if _is_of_a_piece(job) else self._of_a_picture(job, picture)
        if result.piece is not None:
            self.tell({"id": key, "roll": _roll_text(result.piece)})
        for told in run_files.write_at_once(result, folder, picture):
            self.tell({"id": key, **told})
        return "stopped" if result.stopped else "done"

    def _of_a_piece(self, job: dict[str, Any], picture: Path | None) -> Result:
        """A piece that is edited, or was, and is made again; or whose notes are there, and are played."""
        if (notes := Path(job["folder"]) / NOTES).exists():
            self.tell({"id": job["id"], "step": STEPS["playing"]})
            return played_again(Record.from_dict(job["record"]), read_midi(notes))
        self.tell({"id": job["id"], "step": STEPS["notes"]})
        on_progress = self._progress(job["id"])
        if job["edit"]:
            return edit(job["edit"]["piece"], picture=picture, on_progress=on_progress, **job["edit"]["wish"])
        return replay_record(Record.from_dict(job["record"]), picture=picture, on_progress=on_progress)

    def _of_a_picture(self, job: dict[str, Any], picture: Path | None) -> Result:
        """A piece that is composed."""
        key, settings = job["id"], Settings.from_dict(job["settings"])
        self.tell({"id": key, "step": STEPS["picture" if picture else "words"]})
        started = time.perf_counter()
        if job["record"]:
            request = request_of(Record.from_dict(job["record"]), picture=picture)
            settings = request.settings
        else:
            request = self.composer.read(picture, settings)
        if request.picture_facts is not None and job["alt"]:
            request = replace(request, picture_facts=replace(request.picture_facts, alt=job["alt"]))
        reading_s = time.perf_counter() - started
        step = STEPS["notes" if writes_notes(settings) else "sound"]
        self.tell({"id": key, "step": step, "reasons": request.reasons})
        last_roll = 0.0

        def on_bar(piece: Piece) -> None:
            nonlocal last_roll
            if piece.n_notes and time.monotonic() - last_roll >= _ROLL_EVERY_S:
                last_roll = time.monotonic()
                self.tell({"id": key, "roll": _roll_text(piece)})

        result = self.composer.perform(request, on_progress=self._progress(key), on_bar=on_bar, reading_s=reading_s)
        if settings.continue_from:  # a visitor's file goes by its name; where it lies here is nobody's business
            kept = replace(result.settings, continue_from=Path(settings.continue_from).name)
            result.record = replace(result.record, settings=kept)
        return result

    def _progress(self, key: str) -> Callable[[float, float], bool]:
        """What tells the server how far a run is, and says whether to go on."""
        last_told = 0.0

        def on_progress(done: float, total: float) -> bool:
            nonlocal last_told
            share = min(done / max(total, 1e-9), 1.0)
            if share >= 1 or time.monotonic() - last_told >= _ROLL_EVERY_S / 2:
                last_told = time.monotonic()
                self.tell({"id": key, "progress": share, **({"step": STEPS["playing"]} if share >= 1 else {})})
            return key not in self._stopped

        return on_progress


def _is_of_a_piece(job: dict[str, Any]) -> bool:
    return bool((Path(job["folder"]) / NOTES).exists() or job["edit"] or (job["record"] and job["record"].get("edit")))


def _roll_text(piece: Piece) -> str:
    return json.dumps(roll_of(piece), separators=(",", ":"))


def main() -> None:
    """Speak on what is standard output now; whatever else prints goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends us in good order
    speech = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    lock = threading.Lock()

    def tell(message: dict[str, Any]) -> None:
        line = json.dumps(message).encode() + b"\n"
        # the server is gone: the listening thread ends us
        with lock, contextlib.suppress(BrokenPipeError):
            speech.write(line)

    worker = Worker(tell)
    threading.Thread(target=worker.listen, args=(sys.stdin.buffer,), daemon=True).start()
    if "--warm" in sys.argv[1:]:
        worker.warm_up()
    tell({"ready": True})
    worker.work()


if __name__ == "__main__":
    main()
