"""The few calls that the service makes itself, only to addresses of an allow-list: bounded in size and time.

HTTPS alone, but for this machine; no redirects, because a redirect leads to an address that nobody allowed; no proxy of
the environment.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..settings import LOOPBACK_NAMES

_CHUNK = 65_536


def is_safe(url: str) -> bool:
    """Whether an address may be called at all: https with a host, or plain http on this machine."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.password or parts.fragment or port == 0:
        return False
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return parts.scheme == "https" or (parts.scheme == "http" and local and bool(LOOPBACK_NAMES))


def get(url: str, headers: Mapping[str, str], seconds: float, largest: int) -> bytes:
    """What is at an address. Raises OSError: not reached in time, another status than 200, too large."""
    if not is_safe(url):
        raise OSError("the address is not allowed")
    parts = urlsplit(url)
    until = time.monotonic() + seconds
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, parts.port, timeout=seconds, context=context
        )
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=seconds)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Accept": "application/json", **headers})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise OSError(f"the answer is {response.status}")
        found = bytearray()
        while chunk := response.read1(_CHUNK):
            found += chunk
            if len(found) > largest:
                raise OSError(f"the answer has more than {largest:,} bytes")
            left = until - time.monotonic()
            if left <= 0:
                raise OSError("the answer took too long")
            if connection.sock is not None:
                connection.sock.settimeout(left)
        return bytes(found)
    except http.client.HTTPException as error:
        raise OSError(f"the answer is not HTTP: {type(error).__name__}") from None
    finally:
        connection.close()
