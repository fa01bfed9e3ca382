"""What all pages share: the service, templates, the tokens of forms, the fonts of the diagrams."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import APIRouter
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from guidelog import wording

from ..service import Service
from ..workers.edition import LiveGuideline
from .clinician.examples import Example
from .posted import FIELD, Tokens

HERE = Path(__file__).parent.parent
STATIC = HERE / "static"
FONTS = HERE.parent / "diagrams" / "drawing" / "fonts"
FONT_NAMES = ("LiberationSans-Regular", "LiberationSans-Bold", "LiberationSans-Italic", "LiberationMono-Regular")
_MARKED = re.compile(r"`([^`]*)`")
NOT_KEPT = {"Cache-Control": "no-store"}


@dataclass
class Site:
    """One guideline on the web. Patients are evaluated by the service's desk only.

    `examples` are worked out when they are first shown.
    """

    service: Service
    tokens: Tokens = field(default_factory=Tokens)
    examples: tuple[Example, ...] | None = None

    @property
    def compiled(self) -> LiveGuideline:
        """The guideline, for what does not depend on a patient."""
        return self.service.compiled

    def html(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page; it is never kept by a browser, because it may hold a record."""
        cookie = self.tokens.cookie(request)
        guideline = self.compiled.guideline
        text = (
            environment()
            .get_template(template)
            .render(
                guideline=guideline,
                names=self.compiled.names,
                readings=self.compiled.readings,
                disclaimer=" ".join(guideline.disclaimer.split()),
                token=self.tokens.token(cookie),
                token_field=FIELD,
                compares=self.service.settings.compare is not None,
                partial=wants_part(request),
                **values,
            )
        )
        response = HTMLResponse(text, status_code=status, headers=NOT_KEPT)
        self.tokens.keep(response, request, cookie)
        return response


def wants_part(request: Request) -> bool:
    """Whether htmx asks, which puts a part into the page it has."""
    return request.headers.get("hx-request") == "true"


@cache
def environment() -> jinja2.Environment:
    """The templates. Every value is escaped; a name that is not there is an error."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["sentence"] = wording.sentence
    found.filters["dashed"] = lambda text: str(text).replace("_", "-")
    found.filters["prose"] = _prose
    found.globals["wording"] = wording
    found.globals["asset"] = _asset
    found.globals["safe_svg"] = Markup  # pictures only: made by guidelog, with every label escaped
    return found


def _prose(text: object) -> str:
    """A sentence of an author without the marks of code: `a_name` is “a name”."""
    return _MARKED.sub(lambda m: f"“{m[1].replace('_', ' ')}”", str(text))


@cache
def _asset(name: str) -> str:
    """The address of a static file, with its content's hash so that a browser may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?{digest}"


def fonts() -> APIRouter:
    """The fonts of the diagrams by name, for pages on machines that have none of the same widths."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/fonts/{name}.ttf")
    def font(name: str) -> Response:
        if name not in FONT_NAMES:
            raise HTTPException(404)
        kept = {"Cache-Control": "public, max-age=604800"}
        return FileResponse(FONTS / f"{name}.ttf", media_type="font/ttf", headers=kept)

    return routes
