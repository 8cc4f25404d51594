"""Heavy work of requests, a few at a time and in the order that they came, beside the threads that serve everything else.

Without this, forty large pictures hold the forty threads of the server, and nobody gets as much as the page until they are read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import anyio
import anyio.to_thread
from fastapi import Request

from klangbild.web.queue import MAX_WAITING, Full

Given = TypeVar("Given")


class Turns:
    """at_once: how many work at the same time. waiting: how many may wait for that, more are refused."""

    def __init__(self, at_once: int, *, waiting: int = MAX_WAITING) -> None:
        self._at_once, self._waiting = at_once, waiting
        self._turn: anyio.Semaphore | None = None
        self._threads: anyio.CapacityLimiter | None = None

    async def take(self, request: Request, work: Callable[..., Given], *args: object, **named: object) -> Given:
        """Do it in a thread when its turn comes, and gives what it gave.

        Raises:
            Full: too many wait. Gone: whoever asked has left meanwhile (nothing was done).
        """
        if self._turn is None or self._threads is None:  # they belong to the loop that runs
            self._turn, self._threads = anyio.Semaphore(self._at_once), anyio.CapacityLimiter(self._at_once)
        if self._turn.statistics().tasks_waiting >= self._waiting:
            raise Full(f"{self._waiting} others wait for the same already; try again in a minute")
        async with self._turn:
            if await request.is_disconnected():
                raise Gone
            return await anyio.to_thread.run_sync(partial(work, *args, **named), limiter=self._threads)


class Gone(Full):
    """Whoever asked has left: the answer is read by nobody."""

    def __init__(self) -> None:
        super().__init__("the connection was closed before it was your turn; ask again")
