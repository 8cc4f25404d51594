"""A folder that is looked at again and again: which of its pictures are new or changed, and written to their end.

Looking, not being told: events of the system do not come from network drives, containers and sticks, and a look at a thousand files takes a
few milliseconds. Whatever klangbild writes there is no picture to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from klangbild.batch.journal import state_of
from klangbild.errors import InputError
from klangbild.picture.find import pictures_below
from klangbild.record.carriers import read_record

QUIET_S = 1.5
"""A file that has not changed for so long may be whole."""
PATIENCE_S = 15.0
"""One that is not whole, and does not change for so long, is told to be damaged."""


@dataclass
class _Seen:
    state: tuple[int, int]
    since_s: float
    given: bool = False


@dataclass
class Watched:
    """A folder, with its sub-folders where `recursive`. out: where music is written to; nothing in it is a picture, unless it is the folder
    itself. now: a clock in seconds."""

    folder: Path
    out: Path
    recursive: bool = False
    now: Callable[[], float] = time.monotonic
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def look(self) -> list[str]:
        """The pictures that can be composed now: each once, and again when it has changed."""
        at, ready, there = self.now(), [], set()
        for path in self._pictures():
            there.add(path)
            state, seen = state_of(path), self._seen.get(path)
            if seen is None or seen.state != state:
                self._seen[path] = _Seen(state, at)
            elif not seen.given and at - seen.since_s >= QUIET_S:
                if _is_ours(path):
                    seen.given = True
                elif at - seen.since_s >= PATIENCE_S or _is_whole(path):
                    seen.given = True
                    ready.append(path)
        for path in set(self._seen) - there:
            del self._seen[path]
        return ready

    @property
    def given(self) -> list[str]:
        """All pictures that were given out and are still there, in the order of their names."""
        return sorted(path for path, seen in self._seen.items() if seen.given and not _is_ours(path))

    def _pictures(self) -> Iterator[str]:
        inside = self.out.resolve()
        apart = inside != self.folder.resolve()
        for path in pictures_below(self.folder, recursive=self.recursive):
            if not (apart and path.resolve().is_relative_to(inside)):
                yield str(path)


def _is_whole(path: str) -> bool:
    """Whether all of a picture is there to be decoded."""
    from klangbild.picture.load import load_picture

    try:
        load_picture(path)
    except InputError:
        return False
    return True


def _is_ours(path: str) -> bool:
    """Whether it is a roll that klangbild drew."""
    if not path.lower().endswith(".png"):
        return False
    try:
        read_record(path)
    except InputError:
        return False
    return True
