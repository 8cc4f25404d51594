"""Many machines: the same jobs by the workers of a Dask cluster, which is given the pictures' bytes and gives the files back.

Dask (`distributed`, extra `cluster`) gives out the work, tries again what a dead worker had in hand, and carries the bytes. A worker needs
klangbild and its models, and no common file system: whoever asks reads the pictures and writes the pieces, so that each is written
once, whoever made it and however often. A scheduler that goes away is waited for, and what was not finished is given out again.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from klangbild.batch.jobs import Job
from klangbild.batch.workers import Made, Maker, Outcome, Task
from klangbild.errors import InputError, KlangbildError, NotAvailableError, OutputError
from klangbild.input_file import open_input
from klangbild.picture.load import MAX_MEGABYTES
from klangbild.record.carriers import read_record
from klangbild.record.facts import versions
from klangbild.whole_files import atomic_write

AHEAD = 3
"""Jobs given out for each thread of a worker."""
WAIT_S = 600.0
"""How long a scheduler that has gone, or one without workers, is waited for."""
_CONNECT_S, _RETRY_S = 10.0, 2.0
_SAME = ("klangbild", "composing", "playing", "onnxruntime", "numpy", "scipy", "symusic")
"""What must be equal on all machines for equal bytes."""


@dataclass(frozen=True)
class Sent:
    """What a worker gives back. made: with paths relative to the folder. files: {relative path: content} of all of them."""

    outcome: Outcome
    files: dict[str, bytes]


def in_cluster(
    jobs: Sequence[Job], address: str, task: Task, *, tell: Callable[[str], None] = lambda _: None
) -> Generator[tuple[Job, Outcome]]:
    """Each job with what came of it, as they are finished, its files written to the task's folder.

    address: of the scheduler (`tcp://HOST:8786`), or the path of its scheduler file (.json). tell: gets a line when it is lost.

    Raises:
        NotAvailableError: `distributed` is not installed; nothing answers at the address, or stops answering for `WAIT_S`; a worker has another
            version of what the notes depend on.
    """
    waiting, known = deque(jobs), versions()
    client = _connect(address, _CONNECT_S)
    try:
        while (yield from _until_lost(client, waiting, task, known)):
            _close(client)
            tell(f"the scheduler at {address} does not answer; waiting for it for {WAIT_S / 60:.0f} minutes at most")
            client = _connect(address, WAIT_S)
    finally:
        _close(client)


def _until_lost(
    client: Any, waiting: deque[Job], task: Task, known: dict[str, str]
) -> Generator[tuple[Job, Outcome], None, bool]:
    """Yields as `in_cluster` while the scheduler answers; returns whether it went away, with what was not finished waiting again."""
    from distributed import as_completed

    in_hand: dict[Any, Job] = {}
    try:
        _refuse_other_versions(client.run(versions), known)
        finished = as_completed(loop=client.loop)
        while waiting or in_hand:
            room = AHEAD * max(_threads(client), 1) - len(in_hand)
            while waiting and room > 0:
                job = waiting[0]  # it leaves the line when it is given out, and not before
                content = _content(job)
                if isinstance(content, KlangbildError):
                    waiting.popleft()
                    yield job, Outcome(error=content)
                    continue
                future = client.submit(make, task, job, content, known, pure=False)
                in_hand[future] = waiting.popleft()
                finished.add(future)
                room -= 1
            if not in_hand:
                continue
            future = next(finished)
            if future.status in ("cancelled", "lost") or client.status != "running":
                break
            outcome = _received(in_hand[future], future, task)
            yield in_hand.pop(future), outcome
            future.release()
    except (OSError, TimeoutError, RuntimeError) as error:  # CommClosedError is an OSError
        if isinstance(error, RuntimeError) and client.status == "running":
            raise
    else:
        if not in_hand:
            return False
    waiting.extendleft(reversed(in_hand.values()))
    return True


def _received(job: Job, future: Any, task: Task) -> Outcome:
    """What came of a job, its files written."""
    from distributed import KilledWorker

    if future.status == "error":
        error = future.exception()
        if isinstance(error, KilledWorker):
            return Outcome(error=KlangbildError(f"{job.name}: every worker that had it died (out of memory?)"))
        if isinstance(error, NotAvailableError):  # of no picture's making
            raise error
        return Outcome(error=error if isinstance(error, KlangbildError) else KlangbildError(f"{job.name}: {error}"))
    sent: Sent = future.result()
    made = []
    try:
        for one in sent.outcome.made:
            _refuse_others(one, task)
            for path in _files_of(one, sent.files):
                (task.output / path).parent.mkdir(parents=True, exist_ok=True)
                atomic_write(task.output / path, sent.files[path])
            made.append(replace(one, paths={name: task.output / path for name, path in one.paths.items()}))
    except KlangbildError as error:
        return Outcome(tuple(made), error)
    except OSError as error:
        return Outcome(
            tuple(made), OutputError(f"{task.output}: cannot be written ({error.strerror}); give another -o")
        )
    return Outcome(tuple(made), sent.outcome.error)


def _files_of(made: Made, files: dict[str, bytes]) -> list[str]:
    """The files that belong to one piece: its own, and those in its folders."""
    own = [str(path) for path in made.paths.values()]
    return [name for name in files if any(name == path or name.startswith(f"{path}{os.sep}") for path in own)]


def _refuse_others(made: Made, task: Task) -> None:
    """Raises OutputError: a file stands where one is to be written, and it is not this very piece."""
    if task.overwrite:
        return
    there = [path for path in (task.output / path for path in made.paths.values()) if os.path.lexists(path)]
    if not there:
        return
    for path in there:
        try:
            record = read_record(path)
        except InputError:
            continue
        if record.asks_the_same(made.record):
            return
    raise OutputError(f"{there[0]}: is there already and is another piece; give --overwrite, or another -o")


def _content(job: Job) -> bytes | KlangbildError | None:
    """The bytes of a job's picture; None: words alone; or why it cannot be read."""
    if not isinstance(job.source, str):
        return job.source
    try:
        with open_input(job.source) as file:
            content = file.read(MAX_MEGABYTES * 1_000_000 + 1)
    except KlangbildError as error:
        return error
    except OSError as error:
        return InputError(f"{job.source}: cannot be read ({error.strerror}); check the file")
    if len(content) > MAX_MEGABYTES * 1_000_000:
        return InputError(f"{job.source}: is larger than {MAX_MEGABYTES} MB, the limit; save it smaller")
    return content


_lock = threading.Lock()
_maker: tuple[Task, Maker] | None = None


def make(task: Task, job: Job, content: bytes | None, known: dict[str, str]) -> Sent:
    """On a worker: all pieces of one picture. Its models stay loaded from one picture to the next.

    Raises:
        NotAvailableError: this worker has other versions than whoever asks.
    """
    global _maker
    _refuse_other_versions({"this worker": versions()}, known)
    with _lock, tempfile.TemporaryDirectory(prefix="klangbild-") as folder:
        if _maker is None or _maker[0] != task:
            _maker = task, Maker(task)
        out, source = Path(folder) / "out", None
        maker = _maker[1]
        maker.task = replace(task, output=out)
        if content is not None:
            source = Path(folder) / Path(job.source).name
            source.write_bytes(content)
        outcome = maker(replace(job, source=None if source is None else str(source)))
        if outcome.error is not None and source is not None:  # it speaks of the asker's file
            told = str(outcome.error).replace(str(source), str(job.source))
            outcome = replace(outcome, error=type(outcome.error)(told))
        files = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        made = tuple(
            replace(one, paths={name: Path(path).relative_to(out) for name, path in one.paths.items()})
            for one in outcome.made
        )
        return Sent(replace(outcome, made=made), files)


def _connect(address: str, wait_s: float) -> Any:
    """A client of the scheduler, once it has a worker."""
    try:
        from distributed import Client
    except ImportError:
        raise NotAvailableError(
            "--cluster needs Dask, which is not installed; run: pip install 'klangbild[cluster]'"
        ) from None
    for name in ("distributed.client", "distributed.comm", "distributed.core"):  # what it would say, we say in a line
        logging.getLogger(name).setLevel(logging.CRITICAL)
    where = {"scheduler_file": address} if address.endswith(".json") else {"address": address}
    until = time.monotonic() + wait_s
    while True:
        client = None
        try:
            client = Client(**where, timeout=_CONNECT_S, set_as_default=False)
            client.wait_for_workers(1, timeout=max(until - time.monotonic(), 1.0))
            return client
        except (OSError, TimeoutError, ValueError) as error:
            _close(client)
            if client is not None:
                raise NotAvailableError(
                    f"--cluster {address}: has no worker; start one: dask worker {address} --nthreads 1"
                ) from None
            if isinstance(error, ValueError) or time.monotonic() > until:
                raise NotAvailableError(
                    f"--cluster {address}: no scheduler answers there; start one ('dask scheduler'), and check the address"
                ) from None
            time.sleep(_RETRY_S)


def _close(client: Any) -> None:
    """Let go of a client, whatever became of its scheduler."""
    if client is not None:
        try:
            client.close(timeout=2.0)
        except (OSError, TimeoutError, RuntimeError):
            return


def _threads(client: Any) -> int:
    return sum(client.nthreads().values())


def _refuse_other_versions(found: dict[str, dict[str, str]], known: dict[str, str]) -> None:
    """Raises NotAvailableError: somewhere is another version of what the bytes depend on."""
    for worker, theirs in found.items():
        for name in _SAME:
            if theirs.get(name) != known.get(name):
                raise NotAvailableError(
                    f"--cluster: {worker} has {name} {theirs.get(name)}, here it is {known.get(name)}; install the same on all machines"
                )
