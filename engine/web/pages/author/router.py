"""The playground: one file of the guideline in an editor, its diagnostics and a vignette's answers beside it.

What is typed is a copy in memory: it is checked in a worker with bounded time and memory, and gone with the request.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from guidelog.language.guideline import PROPERTIES

from ...workers.dispatcher import TaskFailed, TooSlow
from ...workers.pool import WorkerLost
from ...workers.workroom import Workroom
from ..clinician.entry import BadForm
from ..posted import FIELD, read_fields
from ..site import Site, wants_part
from .copy import Checked, check_copy, vignette_names

LARGEST_TEXT = 200_000
LARGEST_POST = 1_000_000
SLOW = "checking took too long and was stopped; the copy may be too large, or its rules grow without bound"


def router(site: Site, room: Workroom) -> APIRouter:
    """The author's pages of a site."""
    routes = APIRouter(include_in_schema=False)
    files = site.compiled.guideline.files
    names = sorted(name for name in files if name != PROPERTIES)

    @routes.get("/author")
    async def editor(request: Request, file: str = "") -> Response:
        chosen = file or max(names, key=lambda n: files[n].count("advise("))
        if chosen not in names:
            raise HTTPException(404, "the guideline has no such file")
        return await shown(request, chosen, files[chosen], _first(), None, "")

    @routes.post("/author")
    async def check(request: Request) -> Response:
        fields = dict(await read_fields(request, LARGEST_POST))
        site.tokens.check(request, fields.get(FIELD, ""))
        file, text, vignette = fields.get("file", ""), fields.get("text", ""), fields.get("vignette", "")
        if file not in names:
            raise BadForm("the guideline has no such file")
        if len(text) > LARGEST_TEXT:
            too_long = f"more than {LARGEST_TEXT:,} characters are not checked"
            return await shown(request, file, text, vignette, None, too_long)
        text = text.replace("\r\n", "\n")
        checked, failed = None, ""
        try:
            checked = await room.run(check_copy, file, text, vignette, room.separate)
        except (TooSlow, WorkerLost, TaskFailed):
            failed = SLOW
        return await shown(request, file, text, vignette, checked, failed)

    def _first() -> str:
        return next(iter(vignette_names(site.compiled)), "")

    async def shown(
        request: Request, file: str, text: str, vignette: str, checked: Checked | None, failed: str
    ) -> Response:
        return await run_in_threadpool(
            site.html,
            request,
            "author_checked.html" if wants_part(request) else "author.html",
            files=names,
            file=file,
            text=text,
            vignettes=vignette_names(site.compiled),
            vignette=vignette,
            checked=checked,
            failed=failed,
            largest=LARGEST_TEXT,
        )

    return routes
