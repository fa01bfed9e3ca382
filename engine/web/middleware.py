"""What stands in front of every request: sizes and times, rates, headers of the answer, and one line in the log.

Plain ASGI, so that a body is counted while it arrives and never gathered beyond the limit. The log line has method,
route template, status and milliseconds; never an address with its parameters, a body, or who asked.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import error_body, log_failure
from .settings import Settings

LOG = logging.getLogger("guidelog.web")
MOST_CLIENTS = 10_000

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class _Answered(Exception):
    """The request must be answered with this status instead."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)


class Guard:
    """ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings
        self.rates = Rates(settings.rate, settings.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        answer = _Answer(send)
        body = _Body(receive, self.settings.body_bytes, self.settings.body_seconds)
        try:
            self.admit(scope)
            await self.app(scope, body.receive, answer.send)
        except _Answered as refusal:
            await answer.instead(scope, refusal.status)
        except Exception as error:  # noqa: BLE001 -- the last line: whatever it was, the client gets an answer
            log_failure(error)
            await answer.instead(scope, 500)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            milliseconds = 1000 * (time.perf_counter() - started)
            LOG.info("%s %s %s %.1f ms", scope["method"], route, answer.status or "-", milliseconds)

    def admit(self, scope: Scope) -> None:
        """Refuse before anything is read."""
        client = scope.get("client")
        if not self.rates.allow(client[0] if client else "-"):
            raise _Answered(429)
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not length.isdigit() or int(length[:20]) > self.settings.body_bytes:
            raise _Answered(413 if length.isdigit() else 400)


class Rates:
    """A bucket of permits for each client address, refilled at a steady rate."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, client: str) -> bool:
        """Whether this client may have one more request now."""
        now = self._clock()
        level, then = self._buckets.pop(client, (float(self._burst), now))
        level = min(float(self._burst), level + (now - then) * self._rate)
        allowed = level >= 1
        self._buckets[client] = (level - 1 if allowed else level, now)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return allowed


class _Body:
    """The request's body, counted and timed while it arrives."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive, self._left, self._seconds = receive, limit, seconds
        self._deadline: float | None = None
        self._complete = False

    async def receive(self) -> Message:
        """The next part."""
        if self._complete:
            return await self._receive()
        now = asyncio.get_running_loop().time()
        self._deadline = self._deadline or now + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise _Answered(408) from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise _Answered(413)
            self._complete = not message.get("more_body", False)
        else:
            self._complete = True
        return message


class _Answer:
    """The answer on its way out, with our headers."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        """Pass a part on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def instead(self, scope: Scope, status: int) -> None:
        """An error in the form that the client reads, unless an answer has begun."""
        if self.status is not None:
            return
        kind, text = error_body(Headers(scope=scope).get("accept", ""), scope["path"], status)
        body = text.encode()
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        if status in (408, 413):
            headers.append((b"connection", b"close"))
        if status == 429:
            headers.append((b"retry-after", b"1"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
