"""What a posted page must have: a token that only our own pages know, our own origin, and a bounded body.

The token is bound to a random cookie that holds nothing else (HttpOnly, SameSite=Strict), so that no other site can
post a form here in somebody's name. Bodies are read into memory, never into a file, and only up to a limit.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from .clinician.entry import BadForm

COOKIE = "guidelog-form"
FIELD = "token"
LARGEST_FORM = 300_000
MOST_FIELDS = 3000
_COOKIE_CHARACTERS = 43


class Refused(HTTPException):
    """A request that is not answered."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(status, says)


@dataclass(frozen=True)
class Tokens:
    """The tokens of one server; `key` never leaves it."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def cookie(self, request: Request) -> str:
        """The browser's random value: the one it has, or a new one."""
        known = request.cookies.get(COOKIE, "")
        return known if len(known) == _COOKIE_CHARACTERS else secrets.token_urlsafe(32)

    def token(self, cookie: str) -> str:
        """What a form of that browser carries."""
        return hmac.new(self.key, cookie.encode(), hashlib.sha256).hexdigest()

    def keep(self, response: Response, request: Request, cookie: str) -> None:
        """Give the browser its value, when it has none yet."""
        if request.cookies.get(COOKIE) != cookie:
            secure = request.url.scheme == "https"
            response.set_cookie(COOKIE, cookie, httponly=True, samesite="strict", secure=secure, path="/")

    def check(self, request: Request, token: str) -> None:
        """Raises Refused (403) unless the form comes from one of our own pages in the same browser."""
        origin = request.headers.get("origin", "null")
        # `null` is what a browser says on a page that sends no referrer, as ours do; the token tells the rest.
        if origin != "null" and urlsplit(origin).netloc != request.headers.get("host"):
            raise Refused(403, "this form was sent from another site")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Refused(403, "this form was sent from another site")
        cookie = request.cookies.get(COOKIE, "")
        if not cookie or not hmac.compare_digest(self.token(cookie).encode(), token.encode()):
            raise Refused(403, "this form has expired: load the page again")


async def read_fields(request: Request, largest: int = LARGEST_FORM) -> list[tuple[str, str]]:
    """The fields of a form. Raises Refused (413, 415) and BadForm."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(415, "a form is expected")
    body = await _body(request, largest)
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, encoding="utf-8", errors="strict"
        )
    except ValueError:
        raise BadForm("the form cannot be read") from None


async def read_upload(request: Request, largest: int) -> tuple[dict[str, str], tuple[str, bytes] | None]:
    """The fields of a form with a file, and the file's name and content if there is one. Raises Refused, BadForm."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Refused(415, "a form with a file is expected")
    body = await _body(request, largest + 20_000)

    async def whole() -> AsyncIterator[bytes]:
        yield body

    parser = MultiPartParser(request.headers, whole(), max_files=1, max_fields=20, max_part_size=20_000)  # type: ignore[arg-type]
    parser.spool_max_size = len(body) + 1  # a patient's record is never written to a disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise BadForm("the form cannot be read") from None
    fields: dict[str, str] = {}
    file: tuple[str, bytes] | None = None
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            content = await value.read()
            file = (value.filename or "", content) if content or value.filename else None
        else:
            fields[name] = value
    await form.close()
    return fields, file


async def _body(request: Request, largest: int) -> bytes:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:12]) > largest:
        raise Refused(413, f"more than {largest:,} bytes are not read")
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > largest:
            raise Refused(413, f"more than {largest:,} bytes are not read")
    return bytes(found)
