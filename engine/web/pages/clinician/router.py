"""The clinician's pages: the form, its answers at once, explanations, and the record as a file.

Every request carries the whole record in its body and gets everything back; nothing is remembered between requests, so
two patients cannot mix. Without JavaScript the same addresses give whole pages. The one exception is a record that a
card of a record system links to: it is kept by `handoffs`, for a short time, under a random name.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import yaml
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guidelog.diagnostics import CertificateError
from guidelog.patients import patient_from_content

from ..posted import FIELD, read_fields, read_upload
from ..site import NOT_KEPT, Site
from .entry import BadForm, Entry, entry_of, read_record
from .examples import example, examples
from .explanation import explain
from .posts import Done, Posted, hidden_fields, page_values, posted_of, pressed, recorded_now
from .upload import Loaded, largest_file, read_file
from .view import REJECTED, certificate, view


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
        return await page(site, request, pressed(site.compiled, posted), done=recorded_now(site.compiled, posted))

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
    site.tokens.check(request, dict(fields).get(FIELD, ""))
    return posted_of(fields, site.compiled)


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
        fresh=request.method == "GET" and request.url.path == "/",
        largest=largest_file(site.service.settings),
        **page_values(posted, found, template, loaded, done, offered),
    )


def attachment(text: str, name: str, kind: str) -> Response:
    """A file to be kept."""
    headers = {**NOT_KEPT, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=f"{kind}; charset=utf-8", headers=headers)


def slug(text: str) -> str:
    """A name for a file."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:60] or "patient"
