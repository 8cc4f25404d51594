"""Connections that send nothing, or the beginning of a request for ever, are closed: each of them holds one of the server's files."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE_S = 20.0


class Connection(H11Protocol):
    """uvicorn's, with an end to waiting for the head of a request: after one to two times `patience_s` seconds."""

    patience_s = PATIENCE_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waited_for: Any = self
        self._looking = self.loop.call_later(self.patience_s, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._looking.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Close it when it waits for the same request as the last time."""
        waits = self.conn.their_state is h11.IDLE
        if waits and self._waited_for is self.cycle:
            self.transport.close()
            return
        # the request before the one that is waited for; `self` stands for: it does not wait
        self._waited_for = self.cycle if waits else self
        self._looking = self.loop.call_later(self.patience_s, self._look)
