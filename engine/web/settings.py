"""What a running service is told: where it listens, how much it takes, who may ask. Checked once, at the start.

The defaults are for one person on one machine: loopback only, bounded in every direction. Nothing here is read from the
environment or guessed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve.

    `public_url` is the address that cards link to, without a final slash; `names` are further host names to answer to.
    `workers` are processes that evaluate, 0 for threads of the server itself (no time limit can then be enforced).
    `seconds` bounds one evaluation, `body_seconds` the arrival of one request, `body_bytes` its size. `rate` and
    `burst` are requests a second and at once for one client address. `feedback` is the SQLite file, None for no
    feedback; `feedback_rows` its bound. `trust` is the file that switches JWT verification on. `origins` are the CORS
    origins of CDS clients in browsers: without any, no page of another origin can call. `compare` is the version, a
    folder or a git revision, that reviewers see the differences to. `handoff_seconds` and `handoffs` bound what the
    explanation page is kept for. `source_copy` is a reviewer's copy of the source, for its own sentences. `sign_off`
    lets reviewers write sign-offs into the guideline's folder; only with a loopback address.
    `zone` is the clinic's time zone, in which it is today. `unverified`: codes that nobody has verified count, too.
    """

    guideline: str | None = None
    readings: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    names: tuple[str, ...] = ()
    workers: int = 2
    waiting: int = 64
    seconds: float = 10.0
    body_bytes: int = 4_000_000
    body_seconds: float = 10.0
    rate: float = 50.0
    burst: int = 100
    origins: tuple[str, ...] = ()
    trust: Path | None = None
    feedback: Path | None = None
    feedback_rows: int = 100_000
    compare: str | None = None
    as_of: date | None = None
    source_copy: Path | None = None
    sign_off: bool = False
    zone: tzinfo | None = None
    unverified: bool = False
    handoff_seconds: float = 900.0
    handoffs: int = 1000

    @property
    def url(self) -> str:
        """The absolute address of this service."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def addresses(self) -> list[str]:
        """The addresses that mean this service: the public one, and for a local one all names of this machine."""
        if self.public_url or not self.loopback:
            return [self.url]
        return list(dict.fromkeys((self.url, *(f"http://{name}:{self.port}" for name in LOOPBACK_NAMES))))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def allowed_hosts(self) -> list[str]:
        """Host headers that are answered: a page elsewhere must not reach a local service under a name of its own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        public = urlsplit(self.url).netloc.rsplit("@")[-1]
        public = public if public.endswith("]") else public.rsplit(":", 1)[0] if ":" in public else public
        return list(dict.fromkeys((*LOOPBACK_NAMES, host, public, *self.names)))
