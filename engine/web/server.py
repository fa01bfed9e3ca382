"""The application under uvicorn: started, announced, stopped.

Its access log is off, because addresses may name a record; `middleware` writes one line a request. A connection that
has not sent a whole request head in time is closed: uvicorn times idle connections between requests only, so a client
that sends its first headers a byte at a time would hold one for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import create_app
from .settings import Settings

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


CONNECTIONS = 500


def run(
    settings: Settings, *, announce: Callable[[str], None], warn: Callable[[str], None], check: bool = False
) -> None:
    """Serve until interrupted; with `check`, only until a patient has been answered. Raises InputError, OSError."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("guidelog.web").setLevel(logging.INFO)
    for name in ("uvicorn.error", "uvicorn.asgi"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # its traces may quote a record; ours do not
    for message in warnings(settings):
        warn(message)
    if check:
        asyncio.run(_start_once(create_app(settings)))
        announce(f"ready: {settings.url}")
        return
    with _listen(settings) as listening:
        settings = replace(settings, port=listening.getsockname()[1])
        app = create_app(settings)
        announce(f"listening on {settings.url} (stop with Ctrl-C)")
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn has stopped in order, and says how it was asked to
            server(app).run(sockets=[listening])


def server(app: FastAPI) -> uvicorn.Server:
    """The server for an application, with our limits."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=HeadTimingProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=10,
            h11_max_incomplete_event_size=32_768,
        )
    )


def warnings(settings: Settings) -> list[str]:
    """What whoever starts the service should know."""
    found = []
    if not settings.loopback:
        found.append(
            f"listening on {settings.host}: others can reach this service, and what they send goes over the network "
            "unencrypted; put a proxy with TLS in front of it"
        )
    if settings.trust is None:
        found.append(
            "the JWT of CDS clients is not verified: any program that reaches this service may call it (--trust)"
        )
    return found


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except BaseException:
        listening.close()
        raise
    return listening


async def _start_once(app: FastAPI) -> None:
    """The application's start and stop, as a server does them."""
    async with app.router.lifespan_context(app):
        pass
