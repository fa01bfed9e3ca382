"""A statement's own page: what it rests on, and the form to sign it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import date

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guidelog.diagnostics import InputError
from guidelog.signoff.entries import Entry, Verdict, add_entry
from guidelog.workbench.trace.build import StatementRow

from ...workers.workroom import Workroom
from ..posted import FIELD, read_fields
from ..site import Site
from .desk import locators, otherwise, sentences, stamp, stands
from .register import register


def statements_of(routes: APIRouter, site: Site, room: Workroom, html: Callable[..., Awaitable[Response]]) -> None:
    """Add the pages of statements to the review pages; `html` makes a page of a template."""

    async def source() -> tuple[dict[str, str], str]:
        """The source's own sentences, or why there are none."""
        copy = site.service.settings.source_copy
        if copy is None:
            return {}, ""
        try:
            return await room.once("source", sentences, str(copy.absolute())), ""
        except InputError as error:
            return {}, "; ".join(d.message for d in error.diagnostics)

    @routes.get("/review/statements/{name}")
    async def statement(request: Request, name: str) -> Response:
        row = (await room.once("register", register)).statement(name)
        if row is None:
            raise HTTPException(404, "the guideline has no such statement")
        return await statement_page(request, row, {})

    @routes.post("/review/statements/{name}")
    async def signed(request: Request, name: str) -> Response:
        fields = dict(await read_fields(request))
        site.tokens.check(request, fields.get(FIELD, ""))
        row = (await room.once("register", register)).statement(name)
        if row is None:
            raise HTTPException(404, "the guideline has no such statement")
        if not site.service.settings.sign_off:
            raise HTTPException(403, "sign-offs are not taken here")
        typed = {key: fields.get(key, "").strip() for key in ("by", "role", "comment", "verdict", "seen")}
        item = (await room.once(stamp(site.compiled), stands)).statements[name]
        if typed["seen"] != fingerprint(item.seen):
            wrong = "what you looked at was changed meanwhile: read it again before you sign"
            return await statement_page(request, row, typed, wrong)
        if not typed["by"] or not typed["role"]:
            return await statement_page(request, row, typed, "a sign-off needs a name and a role")
        if typed["verdict"] not in set(Verdict):
            return await statement_page(request, row, typed, "choose accept, query or reject")
        if typed["verdict"] != Verdict.ACCEPT and not typed["comment"]:
            return await statement_page(request, row, typed, "a query or a rejection needs a comment")
        today = site.service.settings.as_of or date.today()  # noqa: DTZ011 - the day where the reviewer is
        entry = Entry(
            today.isoformat(), typed["by"], typed["role"], name, Verdict(typed["verdict"]), typed["comment"], item.seen
        )
        try:
            await run_in_threadpool(add_entry, site.compiled.guideline.folder, entry)
        except ValueError as error:
            return await statement_page(request, row, typed, str(error))
        return RedirectResponse(f"/review/statements/{name}#signoffs", status_code=303)

    async def statement_page(request: Request, row: StatementRow, typed: dict[str, str], wrong: str = "") -> Response:
        own, unreadable = await source()
        item = (await room.once(stamp(site.compiled), stands)).statements[row.id]
        found = await room.once("register", register)
        following = [s.id for s in found.statements]
        place = following.index(row.id)
        return await html(
            request,
            "review_statement.html",
            here="statements",
            row=row,
            item=item,
            seen=fingerprint(item.seen),
            passage=own.get(row.id, ""),
            locator=(await room.once("locators", locators)).get(row.id, ""),
            copy=site.service.settings.source_copy is not None,
            unreadable=unreadable,
            otherwise=[o for o in await room.once("otherwise", otherwise) if o.decision in row.decisions],
            signing=site.service.settings.sign_off,
            typed=typed,
            wrong=wrong,
            before=following[place - 1] if place else "",
            after=following[place + 1] if place + 1 < len(following) else "",
        )


def fingerprint(seen: Mapping[str, str]) -> str:
    """What a page showed, in a few characters: a form that was made for something else is not a sign-off."""
    return hashlib.sha256(json.dumps(dict(seen), sort_keys=True).encode()).hexdigest()[:32]
