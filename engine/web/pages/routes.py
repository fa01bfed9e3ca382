"""All pages of a service, behind one router."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter

from ..service import Service
from ..workers.workroom import Workroom
from .author import router as author
from .clinician import router as patient
from .reviewer import router as review
from .site import Site, fonts


def router(service: Service) -> APIRouter:
    """All pages of a service."""
    site = Site(service)
    room = Workroom(service.settings)

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await room.stop()

    routes = APIRouter(include_in_schema=False, lifespan=lifespan)
    for part in (patient.router(site), review.router(site, room), author.router(site, room), fonts()):
        routes.include_router(part)
    return routes
