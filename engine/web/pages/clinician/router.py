"""The clinician's pages: the form, its answers at once, explanations, and the record as a file.

Every request carries the whole record in its body and gets everything back; nothing is remembered between requests, so
two patients cannot mix. Without JavaScript the same addresses give whole pages. The one exception is a record that a
card of a record system links to: it is kept by `handoffs`, for a short time, under a random name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guidelog import wording
from guidelog.diagnostics import CertificateError
from guidelog.patients import patient_from_content

from ..posted import FIELD, read_fields, read_upload
from ..site import NOT_KEPT, Site
from .answer_cards import read_statuses
from .entry import FINDING_VALUES, BadForm, Entry, cleared, entry_of, read_form, read_record, reopened, said
from .examples import example, examples
from .explanation import explain
from .form import members
from .upload import Loaded, largest_file, read_file
from .view import REJECTED, certificate, view


@dataclass(frozen=True)
class Posted:
    """A form that was sent: what stands in it, the statuses that were on the page, the button, what is to be shown."""

    entry: Entry
    before: dict[str, str] = field(default_factory=dict)
    button: str = ""
    pathway: bool = False
    explain: str = ""
    front: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What one click recorded: a screen as complete, and what that makes absent."""

    screen: str
    label: str
    absent: tuple[str, ...]


def router(site: Site) -> APIRouter:  # noqa: C901 - one address after the other
    """The clinician's pages of a site."""
    routes = APIRouter(include_in_schema=False)
    run = site.service.desk.run

    @routes.get("/")
    async def empty(request: Request) -> Response:
        return await page(site, request, Posted(nobody(site)))

    @routes.post("/")
    async def whole(request: Request) -> Response:
        posted = await read(site, request)
        kind, _, name = posted.button.partition(" ")
        if kind == "example":
            found = await run(example, name)
            if found is None:
                raise BadForm("the guideline has no such example")
            return await page(site, request, Posted(found))
        return await page(site, request, pressed(site, posted), done=recorded_now(site, posted))

    @routes.post("/live")
    async def live(request: Request) -> Response:
        return await page(site, request, await read(site, request), template="live.html")

    @routes.get("/explain/{name}")
    async def handed_over(request: Request, name: str) -> Response:
        content = site.service.handoffs.get(name)
        if content is None:
            raise HTTPException(404, "this record is no longer kept: open the card again")
        patient = patient_from_content(content, site.compiled.names.vocabulary)
        return await page(site, request, Posted(entry_of(patient)))

    @routes.post("/explain")
    async def explanation(request: Request) -> Response:
        posted = await read(site, request)
        if posted.explain not in site.compiled.names.vocabulary.interventions:
            raise BadForm("the guideline has no such intervention")
        try:
            found = await run(explain, posted.entry, posted.explain)
        except CertificateError:
            found = None
        if found is None:
            return await page(site, request, posted)
        values: dict[str, Any] = {"explanation": found, "hidden": hidden_fields(posted.entry)}
        return await run_in_threadpool(site.html, request, "explanation.html", **values)

    @routes.post("/record")
    async def record(request: Request) -> Response:
        posted = await read(site, request)
        patient, problems = read_record(posted.entry, site.compiled.names.vocabulary)
        if patient is None or problems:
            return await page(site, request, posted)
        text = yaml.safe_dump(dict(patient.content), allow_unicode=True, sort_keys=False, width=110)
        return attachment(text, f"{slug(patient.id)}.yaml", "application/yaml")

    @routes.post("/certificate")
    async def accepted(request: Request) -> Response:
        posted = await read(site, request)
        try:
            text = await run(certificate, posted.entry)
        except CertificateError:
            raise HTTPException(500, REJECTED) from None
        if text is None:
            return await page(site, request, posted)
        return attachment(text, f"{slug(posted.entry.patient)}.certificate.json", "application/json")

    @routes.post("/load")
    async def load(request: Request) -> Response:
        fields, file = await read_upload(request, largest_file(site.service.settings))
        site.tokens.check(request, fields.get(FIELD, ""))
        loaded = await run(read_file, file)
        return await page(site, request, Posted(loaded.entry or nobody(site)), loaded)

    # A page that was posted to is asked for again when somebody reloads it by its address.
    for path in ("/live", "/explain", "/record", "/certificate", "/load"):
        routes.add_api_route(path, start_again, methods=["GET"])
    return routes


def start_again() -> Response:
    """To the empty form."""
    return RedirectResponse("/", status_code=303)


def nobody(site: Site) -> Entry:
    """The empty form: today's record of a patient without a name."""
    today = site.service.settings.as_of or date.today()  # noqa: DTZ011 - the day where the reader is
    return Entry(patient="new-patient", as_of=today.isoformat())


async def read(site: Site, request: Request) -> Posted:
    """What was posted. Raises Refused, BadForm."""
    fields = await read_fields(request)
    single = dict(fields)
    site.tokens.check(request, single.get(FIELD, ""))
    return Posted(
        read_form(fields, site.compiled.names.vocabulary),
        read_statuses(single.get("before", "")),
        single.get("press", ""),
        single.get("pathway") == "show",
        single.get("explain", ""),
        single.get("front", ""),
    )


def pressed(site: Site, posted: Posted) -> Posted:
    """The form after its button: a question answered, a group cleared, or nothing. Raises BadForm."""
    kind, _, rest = posted.button.partition(" ")
    name, _, value = rest.rpartition("=") if kind == "say" else (rest, "", "")
    vocabulary = site.compiled.names.vocabulary
    screen = name.removeprefix("screen:")
    match kind:
        case "":
            return posted
        case "say" if name in vocabulary.findings and value in FINDING_VALUES:
            entry = said(posted.entry, name, value)
        case "say" if name.startswith("screen:") and screen in vocabulary.screens and value == "complete":
            entry = said(posted.entry, name, value)
        case "reopen" if name in vocabulary.screens:
            entry = reopened(posted.entry, name)
        case "clear" if name in (groups := members(site.compiled)):
            entry = cleared(posted.entry, (*groups[name], screen))
        case _:
            raise BadForm("the page has no such button")
    return Posted(entry, posted.before, "", posted.pathway)


def recorded_now(site: Site, posted: Posted) -> Done | None:
    """What the button that completes a screen has made of the unanswered questions in it."""
    kind, _, rest = posted.button.partition(" ")
    name = rest.rpartition("=")[0].removeprefix("screen:")
    screen = site.compiled.names.vocabulary.screens.get(name)
    if kind != "say" or screen is None or not rest.startswith("screen:"):
        return None
    answered = {*posted.entry.findings, *posted.entry.measures}
    absent = tuple(wording.label_of(m, site.compiled.names) for m in screen.members if m not in answered)
    return Done(name, screen.label, absent)


async def page(
    site: Site,
    request: Request,
    posted: Posted,
    loaded: Loaded | None = None,
    template: str = "patient.html",
    done: Done | None = None,
) -> Response:
    """The form with its answers, or with what is wrong with it."""
    found = await site.service.desk.run(view, posted.entry, posted.before, posted.pathway)
    offered = await site.service.desk.run(examples) if site.examples is None else site.examples
    site.examples = offered
    return await run_in_threadpool(
        site.html,
        request,
        template,
        status=422 if loaded is not None and loaded.entry is None else 200,
        entry=posted.entry,
        fresh=request.method == "GET" and request.url.path == "/",
        done=done,
        examples=offered,
        view=found,
        loaded=loaded,
        pathway=posted.pathway,
        oob=template == "live.html",
        onward=found.front.title if found.front and found.front.key != posted.front else "",
        largest=largest_file(site.service.settings),
    )


def hidden_fields(entry: Entry) -> list[tuple[str, str]]:
    """A form as fields that a page carries along unseen, so that one comes back to the same record."""
    fields = [("patient", entry.patient), ("as_of", entry.as_of)]
    fields += [(f"f:{name}", value) for name, value in entry.findings.items()]
    fields += [(f"s:{name}", "complete") for name in sorted(entry.screens)]
    fields += [(f"source:{name}", text) for name, text in entry.sources.items()]
    for name, amount in entry.measures.items():
        fields += [
            (f"m:{name}:{part}", getattr(amount, part))
            for part in ("mode", "low", "high", "first", "last")
            if getattr(amount, part)
        ]
    return fields


def attachment(text: str, name: str, kind: str) -> Response:
    """A file to be kept."""
    headers = {**NOT_KEPT, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)


def slug(text: str) -> str:
    """A name for a file."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:60] or "patient"
