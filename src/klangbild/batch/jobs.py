"""What is to be made of many pictures: which are done, which have the bytes of another, and what each is called."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from klangbild.batch.journal import Journal, state_of
from klangbild.file_names import as_file_name


@dataclass(frozen=True)
class Job:
    """One picture (or words). name: as it was given; None: words alone. source: for `Composer.compose`, or the error to raise in its turn.
    filename: the template of its files' names."""

    name: str | None
    source: Any
    filename: str


@dataclass(frozen=True)
class Plan:
    """jobs: to be done, in order. done: how many were done before. same: {path: the path of the one with the same bytes}."""

    jobs: tuple[Job, ...]
    done: int = 0
    same: tuple[tuple[str, str], ...] = ()


def plan_jobs(sources: Sequence[tuple[str | None, Any]], filename: str, journal: Journal | None) -> Plan:
    """The jobs of pictures (name, source). Without a journal every picture is one, under the names that saving gives.

    With one, names do not hang on the order in which pieces are finished: of pictures that are called alike the second, third ... in the order
    given get -2, -3, ...
    """
    if journal is None:
        return Plan(tuple(Job(name, source, filename) for name, source in sources))
    same = _same([source for _, source in sources if isinstance(source, str)])
    jobs, done, called = [], 0, Counter[str]()
    for name, source in sources:
        if isinstance(source, str):
            if source in same:
                continue
            stem = as_file_name(Path(source).stem).casefold()
            called[stem] += 1
            if journal.is_done(source):
                done += 1
                continue
            number = called[stem]
            jobs.append(Job(name, source, filename if number == 1 else f"{filename}-{number}"))
        else:
            jobs.append(Job(name, source, filename))
    fresh = tuple((path, first) for path, first in same.items() if not journal.is_done(path))
    return Plan(tuple(jobs), done + len(same) - len(fresh), fresh)


def _same(paths: Sequence[str]) -> dict[str, str]:
    """{a file: the first one before it with the same bytes}; only files of one size are read."""
    by_size: dict[int, list[str]] = defaultdict(list)
    for path in paths:
        by_size[state_of(path)[0]].append(path)
    found: dict[str, str] = {}
    for size, alike in by_size.items():
        first: dict[str, str] = {}
        for path in alike if size and len(alike) > 1 else ():
            try:
                with Path(path).open("rb") as file:
                    sha = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError:
                continue
            if first.setdefault(sha, path) != path:
                found[path] = first[sha]
    return found
