"""The fonts of the diagrams, for pages on machines that have none of the same widths."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from .site import HERE

FOLDER = HERE.parent / "diagrams" / "fonts"
NAMES = ("LiberationSans-Regular", "LiberationSans-Bold", "LiberationSans-Italic", "LiberationMono-Regular")


def router() -> APIRouter:
    """The fonts by name."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/fonts/{name}.ttf")
    def font(name: str) -> Response:
        if name not in NAMES:
            raise HTTPException(404)
        kept = {"Cache-Control": "public, max-age=604800"}
        return FileResponse(FOLDER / f"{name}.ttf", media_type="font/ttf", headers=kept)

    return routes
