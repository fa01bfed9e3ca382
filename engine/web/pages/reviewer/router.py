"""The reviewers' pages: the guideline itself, from its source's statements to the rules, vignettes and what changed.

Nothing here is about a patient, so everything has an address. What depends on the guideline alone is worked out once.
"""

from __future__ import annotations

import tempfile
from typing import Any

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from guidelog.diagnostics import InputError

from ...workers.workroom import Workroom
from ..clinician.posts import hidden_fields
from ..clinician.view import view
from ..site import Site
from .desk import stamp, stands
from .register import covered, differences, pathway, register, vignette_entry
from .statements import statements_of

DIFFERENCE_SECONDS = 12.0


def router(site: Site, room: Workroom) -> APIRouter:  # noqa: C901 - one address after the other
    """The reviewers' pages of a site."""
    routes = APIRouter(include_in_schema=False)

    async def html(request: Request, template: str, **values: Any) -> Response:
        found = await room.once("register", register)
        state = await room.once(stamp(site.compiled), stands)
        return await run_in_threadpool(site.html, request, template, register=found, standing=state, **values)

    @routes.get("/review")
    async def overview(request: Request) -> Response:
        return await html(request, "review.html", here="overview")

    @routes.get("/review/pathway")
    async def drawn(request: Request) -> Response:
        return await html(request, "review_pathway.html", here="pathway", picture=await room.once("pathway", pathway))

    @routes.get("/review/statements")
    async def statements(request: Request) -> Response:
        return await html(request, "review_statements.html", here="statements")

    statements_of(routes, site, room, html)

    @routes.get("/review/decisions")
    async def decisions(request: Request) -> Response:
        return await html(request, "review_decisions.html", here="decisions")

    @routes.get("/review/rules")
    async def rules(request: Request) -> Response:
        return await html(request, "review_rules.html", here="rules", only="", title="Rules")

    @routes.get("/review/rules/{name}")
    async def rule(request: Request, name: str) -> Response:
        found = (await room.once("register", register)).rules.get(name)
        if found is None:
            raise HTTPException(404, "the guideline has no such rule")
        return await html(request, "review_rule.html", here="rules", rule=found)

    @routes.get("/review/interventions/{name}")
    async def intervention(request: Request, name: str) -> Response:
        declared = site.compiled.names.vocabulary.interventions.get(name)
        if declared is None:
            raise HTTPException(404, "the guideline has no such intervention")
        return await html(request, "review_rules.html", here="rules", only=name, title=declared.label)

    @routes.get("/review/files/{name}")
    async def file(request: Request, name: str) -> Response:
        text = site.compiled.guideline.files.get(name)
        if text is None:
            raise HTTPException(404, "the guideline has no such file")
        return await html(request, "review_file.html", here="rules", name=name, lines=text.splitlines())

    @routes.get("/review/vignettes")
    async def vignettes(request: Request) -> Response:
        return await html(request, "review_vignettes.html", here="vignettes")

    @routes.get("/review/vignettes/{name}")
    async def vignette(request: Request, name: str) -> Response:
        found = await room.run(vignette_entry, name)
        if found is None:
            raise HTTPException(404, "the guideline has no such vignette")
        entry, wrong, why, text = found
        seen = await room.run(view, entry, {}, True)
        return await html(
            request,
            "review_vignette.html",
            here="vignettes",
            name=name,
            wrong=wrong,
            why=why,
            text=text,
            view=seen,
            hidden=hidden_fields(entry),
        )

    @routes.get("/review/coverage")
    async def coverage(request: Request) -> Response:
        found = await room.once("covered", covered)
        return await html(request, "review_coverage.html", here="coverage", coverage=found)

    @routes.get("/review/changes")
    async def changes(request: Request) -> Response:
        older = site.service.settings.compare
        found, wrong = None, ""
        if older is not None:
            try:
                with tempfile.TemporaryDirectory(prefix="guidelog-compare-") as scratch:
                    found = await room.once("differences", differences, older, scratch, DIFFERENCE_SECONDS)
            except InputError as error:
                wrong = "; ".join(d.message for d in error.diagnostics)
        return await html(request, "review_changes.html", here="changes", difference=found, wrong=wrong)

    return routes
