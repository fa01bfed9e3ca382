"""What all pages share: the service, templates, the tokens of forms, the fonts of the diagrams."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from ..service import Service
from ..workers.edition import LiveGuideline
from .clinician.examples import Example
from .posted import FIELD, Tokens
from .templating import environment, shared_values

HERE = Path(__file__).parent.parent
FONTS = HERE.parent / "diagrams" / "drawing" / "fonts"
FONT_NAMES = ("LiberationSans-Regular", "LiberationSans-Bold", "LiberationSans-Italic", "LiberationMono-Regular")
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
        text = (
            environment()
            .get_template(template)
            .render(
                **shared_values(self.compiled),
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
