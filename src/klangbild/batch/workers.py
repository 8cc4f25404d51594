"""Processes that share nothing but the models on disk: each takes a picture, makes its pieces, saves them and tells what came of it.

A picture's music depends on its seed and its bytes alone, so that it is the same whoever makes it, and when.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klangbild.batch.jobs import Job
from klangbild.errors import InputError, KlangbildError

AHEAD = 2
"""Jobs given out for each worker: one in hand and one to take next."""
_TRIES = 2
_WORKER_BYTES = 700 * 2**20
NO_MEMORY = "there is not enough memory for it; give fewer --workers, or a smaller picture"


@dataclass(frozen=True)
class Task:
    """What is alike for all pictures. given: the settings, with the seed. formats, output, overwrite: of `Result.save`. takes, same: of
    `Variations`."""

    given: dict[str, Any]
    formats: tuple[str, ...]
    output: Path
    overwrite: bool = False
    takes: int = 1
    same: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """A piece that was saved. notes: what of the picture its asker should know."""

    record: Any
    paths: dict[str, Path]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Of one picture: its pieces, and why there are no more of them."""

    made: tuple[Made, ...] = ()
    error: KlangbildError | None = None


class Maker:
    """Makes the pieces of one picture after the other, with models that stay loaded."""

    def __init__(self, task: Task) -> None:
        from klangbild.composer import Composer

        self.task, self._composer = task, Composer()

    def __call__(self, job: Job) -> Outcome:
        """All takes of one picture, saved."""
        from klangbild.settings import Settings
        from klangbild.variations import Variations

        task, made = self.task, []
        takes = Variations(Settings(**task.given), task.given["seed"], task.takes, task.same)
        try:
            if isinstance(job.source, KlangbildError):
                raise job.source
            for number in range(task.takes):
                result = self._composer.compose(job.source, **{**task.given, **takes.settings(number)})
                takes.keep(result)
                again = task.overwrite or result.is_saved_as(task.output, task.formats, filename=job.filename)
                paths = result.save(task.output, task.formats, filename=job.filename, overwrite=again)
                notes = tuple(result.picture.notes) if result.picture is not None else ()
                made.append(Made(result.record, paths, notes))
        except KlangbildError as error:
            return Outcome(tuple(made), error)
        except MemoryError:
            return Outcome(tuple(made), InputError(f"{job.name}: {NO_MEMORY}"))
        return Outcome(tuple(made))


def number_of_workers(wish: str | int, jobs: int) -> int:
    """How many workers "auto" or a number comes to: never more than there are jobs; "auto" as many as cores that this process may use and
    as its memory holds."""
    if wish != "auto":
        return max(min(int(wish), jobs), 1)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(cores, _free_bytes() // _WORKER_BYTES, jobs), 1)


def in_workers(jobs: Sequence[Job], n: int, task: Task) -> Iterator[tuple[Job, Outcome]]:
    """Each job with what came of it, as they are finished. A worker that dies costs a second try of what was in hand.

    Closing the iterator ends the workers at once.
    """
    waiting, tries = deque(jobs), dict.fromkeys(range(len(jobs)), 0)
    numbers = {id(job): i for i, job in enumerate(jobs)}
    pool, running = _pool(n, task), {}
    try:
        while waiting or running:
            while waiting and len(running) < AHEAD * n:
                job = waiting.popleft()
                running[pool.submit(_work, job)] = job
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            broken = False
            for future in finished:
                job = running.pop(future)
                outcome = _outcome(future)
                if outcome is not None:
                    yield job, outcome
                    continue
                broken = True
                tries[numbers[id(job)]] += 1
                if tries[numbers[id(job)]] >= _TRIES:
                    yield (
                        job,
                        Outcome(error=KlangbildError(f"{job.name}: the worker died twice at it (out of memory?)")),
                    )
                else:
                    waiting.appendleft(job)
            if broken:
                # what else was in hand may be innocent
                waiting.extendleft(reversed(running.values()))
                running.clear()
                _end(pool)
                pool = _pool(n, task)
    finally:
        _end(pool)


def _outcome(future: Future) -> Outcome | None:
    """None: the worker died. Raises what no picture is to blame for."""
    try:
        return future.result()
    except BrokenProcessPool:
        return None


def _pool(n: int, task: Task) -> ProcessPoolExecutor:
    # spawned, not forked: nothing of this process but the task
    return ProcessPoolExecutor(n, multiprocessing.get_context("spawn"), _start, (task,))


def _end(pool: ProcessPoolExecutor) -> None:
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
    for process in processes:
        process.join(1.0)


_maker: Maker | None = None


def _start(task: Task) -> None:
    """In a worker, once."""
    global _maker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that gives out the work
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
    _maker = Maker(task)


def _work(job: Job) -> Outcome:
    assert _maker is not None
    return _maker(job)


def _free_bytes() -> int:
    """Memory that can be had, as Linux tells it; elsewhere enough for four."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return 4 * _WORKER_BYTES
