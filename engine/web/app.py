"""The application: pages, CDS Hooks, health, behind one guard.

`create_app(settings)` compiles the guideline and raises InputError when that is not possible; nothing is served without
a guideline that has answered once, certified. Nothing here calls out of the machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

from fastapi import FastAPI
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from guidelog import __version__

from . import errors
from .hooks import respond
from .hooks.router import HookCors
from .hooks.router import router as hooks_router
from .middleware import Guard
from .pages.clinician import router as clinician
from .pages.clinician import view
from .pages.routes import router as pages_router
from .service import Service
from .settings import Settings
from .workers.dispatcher import Dispatcher
from .workers.edition import ready
from .workers.record_store import RecordStore

TASKS = tuple(module.__name__ for module in (respond, clinician, view))
"""The modules of what workers are asked to do."""


def create_app(settings: Settings) -> FastAPI:
    """The ASGI application for these settings. Raises InputError."""
    desk = Dispatcher(
        settings.guideline,
        settings.readings,
        workers=settings.workers,
        waiting=settings.waiting,
        seconds=settings.seconds,
        modules=TASKS,
    )
    service = Service(settings, desk, RecordStore(settings.handoff_seconds, settings.handoffs))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await desk.start()
        try:
            yield
        finally:
            await desk.stop()

    # Without the pages of FastAPI: they load scripts from elsewhere.
    app = FastAPI(title="guidelog", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    errors.install(app)

    @app.get("/health", tags=["health"])
    async def health() -> JSONResponse:
        """Whether a patient can be answered, certified, right now."""
        sha256 = await desk.run(ready)
        guideline = service.compiled.guideline
        return JSONResponse({"status": "ok", "guideline": guideline.id, "version": guideline.version, "sha256": sha256})

    app.include_router(hooks_router(service))
    app.include_router(pages_router(service))
    static = resources.files(__package__) / "static"
    app.mount("/static", StaticFiles(directory=str(static)), name="static")
    # The last one added is the first to see a request.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.allowed_hosts, www_redirect=False)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(
        HookCors,
        allow_origins=list(settings.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "Accept"],
        allow_private_network=bool(settings.origins),
        max_age=600,
    )
    return app
