"""The HTTP connection: as uvicorn's, but one that has not sent a whole request head in time is closed.

uvicorn times idle connections between requests only, so a client that sends its first headers a byte at a time would
hold a connection for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0


class HeadTimingProtocol(H11Protocol):
    """Waits `HEAD_SECONDS` for the first head of a connection, then for each further one as uvicorn does."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._head = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._head.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A new head after an answer gets its own time, counted from its first byte."""
        waiting: Any = self.cycle is None or self.cycle.response_complete
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head.cancel()
        elif waiting and self._head.cancelled():
            self._head = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _too_slow(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
