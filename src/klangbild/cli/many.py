"""Several pictures, or one: the pieces made one after the other, or by workers; what fails does not stop the others."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klangbild.batch.cluster import in_cluster
from klangbild.batch.jobs import Job, Plan
from klangbild.batch.journal import Journal
from klangbild.batch.workers import Outcome, Task, in_workers
from klangbild.cli.process import NO_MEMORY, is_of_memory
from klangbild.cli.telling import Bar, Teller
from klangbild.errors import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_SOME_FAILED,
    InputError,
    KlangbildError,
    Stopped,
)  # fmt: skip
from klangbild.interrupt import Stop


@dataclass
class Batch:
    """What is to be made, and what came of it so far. made: pieces; failures: of pictures, by name."""

    plan: Plan
    journal: Journal | None
    task: Task
    teller: Teller
    made: int = 0
    failures: list[tuple[str | None, KlangbildError]] = field(default_factory=list)

    def open(self) -> None:
        """Before the first piece: the journal is there, and what need not be made is told."""
        if self.journal is not None:
            self.journal.start()
            for path, first in self.plan.same:
                self.journal.add(path, same_as=first)
        if self.plan.done:
            self.teller.tell(f"{self.plan.done} done before are left out (--no-resume makes them again)")
        if self.plan.same:
            few = ", ".join(f"{Path(path).name} is {Path(first).name}" for path, first in self.plan.same[:3])
            more = ", ..." if len(self.plan.same) > 3 else ""
            n = len(self.plan.same)
            what = "picture with the bytes of another is" if n == 1 else "pictures with the bytes of another are"
            self.teller.tell(f"{n} {what} made once: {few}{more}")

    def done(self, job: Job, files: list[Path]) -> None:
        """All takes of a picture stand."""
        if self.journal is not None and isinstance(job.source, str):
            self.journal.add(job.source, files=files)

    def fail(self, job: Job, error: KlangbildError) -> None:
        """A picture came to nothing, or not to all its takes."""
        self.failures.append((job.name, error))
        if self.journal is not None and isinstance(job.source, str):
            self.journal.add(job.source, error=str(error))
        self.teller.fail(job.name, error)
        print(f"Error: {error}", file=sys.stderr)

    def exit_code(self, *, many: bool) -> int:
        """The end of it, in a line where there are several, and as an exit code."""
        n, takes = len(self.plan.jobs), self.task.takes
        if many and not self.teller.arguments.quiet:
            of = n * takes
            print(
                f"{self.made} of {of} {'takes' if takes > 1 else 'pictures'} done"
                + (f", {len(self.failures)} failed" if self.failures else ""),
                file=sys.stderr,
            )
        if not self.failures:
            return EXIT_OK
        codes = {error.exit_code for _, error in self.failures}
        return EXIT_SOME_FAILED if self.made else codes.pop() if len(codes) == 1 else EXIT_FAILED


def compose_in_workers(batch: Batch, n: int) -> int:
    """By `n` processes."""
    return _compose_elsewhere(batch, in_workers(batch.plan.jobs, n, batch.task), f"{n} workers")


def compose_in_cluster(batch: Batch, address: str) -> int:
    """By the workers of a Dask cluster."""
    return _compose_elsewhere(batch, in_cluster(batch.plan.jobs, address, batch.task, tell=batch.teller.tell), address)


def _compose_elsewhere(batch: Batch, outcomes: Generator[tuple[Job, Outcome]], by: str) -> int:
    """Tell and write down what comes of each job, whoever does it. Ctrl-C ends it at once and loses what is in hand."""
    batch.open()
    bar = _all_bar(batch, by)
    try:
        for job, outcome in outcomes:
            for number, made in enumerate(outcome.made):
                batch.made += 1
                batch.teller.report(made.record, made.paths, made.notes)
                if batch.task.takes > 1:
                    batch.teller.tell(
                        f"take {number + 1} of {batch.task.takes}: seed {made.record.seed}", of=made.record.name
                    )
            if outcome.error is not None:
                batch.fail(job, outcome.error)
            else:
                batch.done(job, [path for made in outcome.made for path in made.paths.values()])
            if bar:
                bar.update()
    except KeyboardInterrupt:
        left = len(batch.plan.jobs) - batch.made // batch.task.takes - len(batch.failures)
        print(f"Stopped; {left} pictures are left. The same command goes on with them.", file=sys.stderr)
        return EXIT_INTERRUPTED
    finally:
        outcomes.close()
        if bar:
            bar.close()
    return batch.exit_code(many=True)


def compose_in_turn(batch: Batch, settings: Any, stop: Stop, *, many: bool, composer: Any = None) -> int:
    """One picture after the other, one take of it after the other, in this process. composer: one whose models are loaded, for which more
    pictures come later; nothing is then said of how many were done."""
    from klangbild.composer import Composer
    from klangbild.variations import Variations

    task, teller, goes_on = batch.task, batch.teller, composer is not None
    composer = composer or Composer()
    batch.open()
    if many:
        stop.at_once = True
        composer.load(settings)  # what is amiss with all of them alike is told once, and before any
    for job in batch.plan.jobs:
        takes, files = Variations(settings, task.given["seed"], task.takes, task.same), []
        for number in range(task.takes):
            try:
                if isinstance(job.source, KlangbildError):
                    raise job.source
                with Bar(job.name, teller.arguments) as bar:
                    stop.at_once = True  # until there is anything to keep

                    def on_progress(done: float, total: float, bar: Bar = bar) -> bool:
                        stop.at_once = False
                        return bar.update(done, total) and not stop()

                    asked = {**task.given, **takes.settings(number)}
                    result = composer.compose(job.source, on_progress=on_progress, **asked)
                takes.keep(result)
                paths = _save(result, job, batch, teller.arguments, stop)
            except Exception as error:
                failed = error if isinstance(error, KlangbildError) else None
                if failed is None and is_of_memory(error):
                    failed = InputError(f"{job.name or 'words'}: {NO_MEMORY}")
                if failed is None:
                    raise
                if isinstance(failed, Stopped) or not many:
                    if teller.arguments.json and not isinstance(failed, Stopped):
                        teller.fail(job.name, failed)
                    raise failed from error
                batch.fail(job, failed)
                if isinstance(failed, InputError):  # the picture, so that no other take of it can come about
                    break
                continue
            batch.made += 1
            files += paths.values()
            teller.report(result.record, paths, result.picture.notes if result.picture is not None else ())
            if task.takes > 1:
                teller.tell(f"take {number + 1} of {task.takes}: seed {result.seed}", of=result.name)
            if stop():
                print("Stopped; what existed was kept.", file=sys.stderr)
                return EXIT_INTERRUPTED
        else:
            if not any(name == job.name for name, _ in batch.failures):
                batch.done(job, files)
    return batch.exit_code(many=many and not goes_on)


def _save(result: Any, job: Job, batch: Batch, arguments: argparse.Namespace, stop: Stop) -> dict[str, Path]:
    """Write the files. Once asked to stop, of music that is notes only those are kept: they are written in no time, and `replay`
    makes the rest of them. Raises KeyboardInterrupt: there was nothing to keep."""

    from klangbild.formats.table import format_named

    task, formats = batch.task, batch.task.formats
    again = task.overwrite or (
        batch.journal is not None and result.is_saved_as(task.output, formats, filename=job.filename)
    )

    def save(formats: tuple[str, ...]) -> dict[str, Path]:
        # a bar over all frames, where there is a film among them
        slow = next((name for name in formats if format_named(name).slow), None)
        with Bar(f"film of {result.name}", arguments) if slow else contextlib.nullcontext() as bar:
            told = bar.update if bar else None
            return result.save(task.output, formats, filename=job.filename, overwrite=again, on_progress=told)

    quick = () if result.piece is None else tuple(name for name in formats if format_named(name).is_quick)
    if stop() and quick:
        return save(quick)
    stop.at_once = result.piece is not None and not stop()
    try:
        return save(formats)
    except KeyboardInterrupt:
        if not stop.at_once:  # the second one
            raise
        stop.at_once = False
        if not result.files and quick:
            save(quick)
        if not result.files:
            raise
        return result.files
    finally:
        stop.at_once = False


def _all_bar(batch: Batch, by: str) -> Any:
    """A bar over all pictures on a terminal, with pictures a minute and the time left."""
    if not sys.stderr.isatty() or batch.teller.arguments.quiet:
        return None
    from tqdm import tqdm

    started = time.monotonic()

    class Rate(tqdm):
        @property
        def format_dict(self) -> dict[str, Any]:
            told = super().format_dict
            minutes = (time.monotonic() - started) / 60.0
            return {**told, "a_minute": f"{told['n'] / minutes:.0f}" if told["n"] else "?"}

    return Rate(
        total=len(batch.plan.jobs),
        desc=by,
        file=sys.stderr,
        leave=False,
        bar_format="{desc} {bar:30} {n}/{total}, {a_minute} a minute, {remaining} left",
    )
