"""The routes of CDS Hooks: discovery, services, feedback. Reads no body but as bytes; what it says is in `respond`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Receive, Scope, Send

from guidelog.fhir.hooks_config import Offered, load_hooks_config

from ..service import Service
from ..settings import Settings
from .feedback import FeedbackStore, Malformed, StoreBusy, StoreFull, read_feedback
from .respond import Clock, problem, respond
from .schemas import schema
from .trust import Trust, Untrusted, load_trust

PREFIX = "/cds-services"


class HookCors(CORSMiddleware):
    """CORS for CDS clients that run in a browser; the pages are for nobody else."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and str(scope["path"]).startswith(PREFIX):
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _documented(name: str, *statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of an answer."""
    outcome = {"content": {"application/json": {"schema": _inline("outcome")}}}
    said = {
        400: "malformed",
        401: "not authenticated",
        403: "a page of an origin that is not named",
        404: "no such service",
        412: "data that is needed was not sent",
        413: "too large",
        415: "not JSON",
        503: "busy, send again",
        507: "no room left",
    }
    known: dict[int | str, dict[str, Any]] = {str(s): {"description": said[s], **outcome} for s in statuses}
    known["200"] = {"description": "done", "content": {"application/json": {"schema": _inline(name)}}}
    return known


def _inline(name: str) -> dict[str, Any]:
    """A schema as part of the OpenAPI document, its references resolved."""
    whole = schema(name)

    def resolved(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return resolved(whole["$defs"][part["$ref"].rsplit("/", 1)[-1]])
            return {k: resolved(v) for k, v in part.items() if k not in ("$schema", "$defs")}
        return [resolved(p) for p in part] if isinstance(part, list) else part

    found: dict[str, Any] = resolved(whole)
    return found


def _body(name: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inline(name)}}}}


def _clock(settings: Settings, today: Callable[[], date]) -> Clock:
    """The day of a call, where it is asked for by the clinic's own clock, and its instant."""
    if settings.as_of is not None:
        return Clock(settings.as_of, None, settings.zone, settings.unverified)
    now = datetime.now(UTC)
    day = today() if settings.zone is None else now.astimezone(settings.zone).date()
    same = abs((now.date() - day).days) <= 1  # else it is another day than that of the clock
    return Clock(day, now if same else None, settings.zone, settings.unverified)


def router(service: Service, today: Callable[[], date] = date.today) -> APIRouter:  # noqa: PLR0915 - one address after the other
    """All routes. Raises InputError when the guideline's hooks.toml or the allow-list is wrong."""
    settings = service.settings
    config = service.compiled.remember("hooks.config", load_hooks_config)
    trust: Trust | None = load_trust(settings.trust) if settings.trust else None
    store = FeedbackStore(settings.feedback, settings.feedback_rows) if settings.feedback else None
    routes = APIRouter(tags=["CDS Hooks"])

    @routes.get(PREFIX, responses={"200": _documented("discovery")["200"]})
    async def discovery() -> JSONResponse:
        """The services that are offered."""
        found = [
            {
                "hook": s.hook,
                "title": s.title,
                "description": s.description,
                "id": s.id,
                **({"prefetch": dict(config.prefetch)} if config.prefetch else {}),
            }
            for s in config.services
        ]
        return JSONResponse({"services": found})

    async def admitted(request: Request, name: str, path: str) -> Offered:
        """The service called, by a client that is trusted, with a body that is JSON."""
        origin = request.headers.get("origin")
        if origin is not None and not {origin, "*"} & set(settings.origins):
            raise HTTPException(403, "this origin may not call the service (--cors-origin)")
        offered = config.service(name)
        if offered is None:
            raise HTTPException(404, "there is no such service")
        if trust is not None:
            try:
                addresses = [address + path for address in settings.addresses]
                header = request.headers.get("authorization")
                await anyio.to_thread.run_sync(trust.verify, header, addresses)  # it may have to fetch keys
            except Untrusted as error:
                raise HTTPException(401, str(error), {"WWW-Authenticate": "Bearer"}) from None
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            raise HTTPException(415, "the content type must be application/json")
        return offered

    @routes.post(
        f"{PREFIX}/{{service_id}}",
        openapi_extra=_body("request"),
        responses=_documented("response", 400, 401, 403, 404, 412, 413, 415, 503),
    )
    async def call(service_id: str, request: Request) -> Response:
        """Cards for a hook."""
        offered = await admitted(request, service_id, f"{PREFIX}/{service_id}")
        body = await request.body()
        name = service.handoffs.name()
        clock = _clock(settings, today)
        reply = await service.desk.run(
            respond, body, offered.hook, f"{settings.url}/", service.explanation_url(name), clock
        )
        if reply.record is not None:
            service.handoffs.put(reply.record, name)
        if store is not None and reply.issued:
            await anyio.to_thread.run_sync(store.issue, offered.id, reply.issued)
        return Response(reply.body, reply.status, media_type="application/json")

    @routes.post(
        f"{PREFIX}/{{service_id}}/feedback",
        openapi_extra=_body("feedback"),
        responses={**_documented("outcome", 400, 401, 403, 404, 413, 415, 503, 507), "200": {"description": "kept"}},
    )
    async def feedback(service_id: str, request: Request) -> Response:
        """What became of cards."""
        offered = await admitted(request, service_id, f"{PREFIX}/{service_id}/feedback")
        if store is None:
            raise HTTPException(404, "this service takes no feedback")
        try:
            entries = read_feedback(await request.body())
            await anyio.to_thread.run_sync(store.add, offered.id, entries)
        except Malformed as error:
            reply = problem(400, "structure", str(error))
            return Response(reply.body, 400, media_type="application/json")
        except StoreBusy:
            raise HTTPException(503, "feedback cannot be kept now; send it again", {"Retry-After": "2"}) from None
        except StoreFull:
            raise HTTPException(507, "there is no room for feedback; it must be exported first") from None
        return JSONResponse({})

    return routes
