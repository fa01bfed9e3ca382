"""Every error as an answer: JSON for programs, a short page for browsers; never a trace, never what was sent.

A log line names the kind of failure and the place in our code. Messages of exceptions are not logged, because they may
quote a record.
"""

from __future__ import annotations

import html
import logging
import traceback
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from ..diagnostics import CertificateError, InputError
from .desk import Busy, TaskFailed, TooSlow
from .live import GuidelineChanged
from .workers import WorkerLost

LOG = logging.getLogger("guidelog.web")

SAID = {
    400: "the request is malformed",
    401: "the request is not authenticated",
    403: "this is not allowed",
    404: "there is nothing here",
    405: "this method is not for this address",
    408: "the request took too long to arrive",
    409: "this was changed meanwhile",
    412: "data that is needed is missing",
    413: "the request is too large",
    415: "the content type is not one that is read here",
    421: "this service does not answer to that host name",
    422: "the request is not valid",
    429: "too many requests",
    500: "the service failed",
    503: "the service is busy",
    507: "there is no room left",
}


def error_response(
    request: Request, status: int, message: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    """The error in the form that the client reads."""
    says = message or SAID.get(status, "the request failed")
    accept = request.headers.get("accept", "")
    if "text/html" in accept and not request.url.path.startswith("/cds-services"):
        page = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>guidelog</title>'
            f'<link rel="stylesheet" href="/static/app.css"><main><h1>{status}</h1><p>{html.escape(says)}</p>'
            '<p><a href="/">guidelog</a></p></main></html>'
        )
        return HTMLResponse(page, status, headers)
    if request.url.path.startswith("/cds-services"):
        issue = {"severity": "error", "code": "processing", "details": {"text": says}}
        return JSONResponse({"resourceType": "OperationOutcome", "issue": [issue]}, status, headers)
    return JSONResponse({"error": {"status": status, "message": says}}, status, headers)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail if isinstance(error.detail, str) and error.detail[:1].islower() else None
    return error_response(request, error.status_code, detail, dict(error.headers or {}))


def _invalid(request: Request, _error: Exception) -> Response:
    return error_response(request, 422)


def _input(request: Request, error: Exception) -> Response:
    assert isinstance(error, InputError)
    return error_response(request, 400, "; ".join(d.message for d in error.diagnostics[:5]))


def _uncertified(request: Request, error: Exception) -> Response:
    log_failure(error)
    return error_response(request, 500, "no answer: the independent checker did not accept it")


def _busy(request: Request, _error: Exception) -> Response:
    return error_response(request, 503, None, {"Retry-After": "1"})


def _slow(request: Request, error: Exception) -> Response:
    log_failure(error)
    return error_response(request, 503, "the evaluation took too long and was stopped", {"Retry-After": "5"})


def _lost(request: Request, error: Exception) -> Response:
    log_failure(error)
    return error_response(request, 503, "the evaluation was interrupted; try again", {"Retry-After": "1"})


def _changed(request: Request, error: Exception) -> Response:
    log_failure(error)
    return error_response(request, 503, "the guideline was changed; the service must be started again")


def _unexpected(request: Request, error: Exception) -> Response:
    log_failure(error)
    return error_response(request, 500)


def log_failure(error: BaseException) -> None:
    """One line: what kind, and where in our code."""
    places = traceback.extract_tb(error.__traceback__)
    ours = [p for p in places if "guidelog" in p.filename or "/engine/" in p.filename] or places
    where = f"{ours[-1].filename.rsplit('/', 1)[-1]}:{ours[-1].lineno}" if ours else "?"
    if isinstance(error, TaskFailed):
        LOG.error("task failed: %s", error)
    else:
        LOG.error("%s at %s", type(error).__name__, where)


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Response | Awaitable[Response]]] = {
    HTTPException: _http,
    RequestValidationError: _invalid,
    InputError: _input,
    CertificateError: _uncertified,
    Busy: _busy,
    TooSlow: _slow,
    WorkerLost: _lost,
    GuidelineChanged: _changed,
    Exception: _unexpected,
}


def install(app: FastAPI) -> None:
    """Have the application answer errors this way."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
