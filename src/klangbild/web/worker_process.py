"""The server's side of a worker: start it, hand it a job, hear of it, and end it when it no longer moves."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

COMMAND = (sys.executable, "-m", "klangbild.web.worker")


class WorkerDied(Exception):
    """The process ended in the middle of a job: killed, or crashed inside a library."""


class Stalled(Exception):
    """Nothing was heard of a job for too long; the process was ended."""


class WorkerProcess:
    """One process for jobs, one at a time; started when first needed, and again after it died. Safe to use from several threads.

    warm: it loads its models before its first job.
    """

    def __init__(self, *, warm: bool = False) -> None:
        self._warm = warm
        self._process: subprocess.Popen[bytes] | None = None
        self._heard: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._one_job = threading.Lock()
        self._starting = threading.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> None:
        """Start the process if there is none."""
        with self._starting:
            if self._closed or self.pid is not None:
                return
            command = [*COMMAND, *(("--warm",) if self._warm else ())]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._heard = queue.Queue()
            threading.Thread(target=_hear, args=(self._process.stdout, self._heard), daemon=True).start()

    def do(self, job: dict[str, Any], on_change: Callable[[dict[str, Any]], None], *, stall_s: float) -> dict[str, Any]:
        """Have a job done; on_change gets each message of it as it comes. Gives the last one, with "over".

        Raises:
            WorkerDied: the process ended. Stalled: no message came for `stall_s` seconds.
        """
        with self._one_job:
            self.start()
            process, heard = self._process, self._heard
            if self._closed or process is None or not self.say(job):
                raise WorkerDied
            while True:
                try:
                    message = heard.get(timeout=stall_s)
                except queue.Empty:
                    process.kill()
                    process.wait()
                    raise Stalled from None
                if message is None:
                    process.wait()
                    raise WorkerDied
                if message.get("id") != job["id"]:
                    continue
                if "over" in message:
                    return message
                on_change(message)

    def say(self, message: dict[str, Any]) -> bool:
        """Send one line; False when nobody is there to hear it."""
        process = self._process
        if process is None or process.stdin is None:
            return False
        try:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
        except (OSError, ValueError):  # it died, or its input is closed
            return False
        return True

    def close(self) -> None:
        """End the process, whatever it does."""
        with self._starting:
            self._closed = True
            process = self._process
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _hear(lines: IO[bytes], heard: queue.Queue[dict[str, Any] | None]) -> None:
    """Read a worker's lines into a queue; None at their end. A line that was cut off by its death is no line."""
    with lines:
        for line in lines:
            try:
                heard.put(json.loads(line))
            except ValueError:
                break
    heard.put(None)
