"""Every error as an answer: JSON for programs, a short page for browsers; never a trace, never what was sent.

A log line names the kind of failure and the place in our code. Messages of exceptions are not logged, because they may
quote a record.
"""

from __future__ import annotations

import html
import json
import logging
import traceback
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from guidelog.diagnostics import CertificateError, InputError

from .pages.clinician.entry import BadForm
from .workers.dispatcher import Busy, TaskFailed, TooSlow
from .workers.edition import GuidelineChanged
from .workers.pool import WorkerLost

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


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · guidelog</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/app.css">
</head>
<body>
<main class="wide">
<h1>{title}</h1>
<p>Error {status}. Nothing was answered.</p>
<p><a href="/">To the form for a patient</a> · <a href="/review">To the review pages</a></p>
</main>
</body>
</html>
"""


def error_response(
    request: Request, status: int, message: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    """The error in the form that the client reads."""
    kind, body = error_body(request.headers.get("accept", ""), request.url.path, status, message)
    return Response(body, status, headers, media_type=kind)


def error_body(accept: str, path: str, status: int, message: str | None = None) -> tuple[str, str]:
    """The media type and the text of an error: a page for whoever accepts HTML, else JSON, in FHIR for CDS clients."""
    says = message or SAID.get(status, "the request failed")
    if "text/html" in accept:
        title = html.escape(says[:1].upper() + says[1:])
        return "text/html; charset=utf-8", _PAGE.format(title=title, status=status)
    if path.startswith("/cds-services"):
        issue = {"severity": "error", "code": "processing", "details": {"text": says}}
        data: dict[str, object] = {"resourceType": "OperationOutcome", "issue": [issue]}
    else:
        data = {"error": {"status": status, "message": says}}
    return "application/json", json.dumps(data, ensure_ascii=False)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail if isinstance(error.detail, str) and error.detail[:1].islower() else None
    return error_response(request, error.status_code, detail, dict(error.headers or {}))


def _invalid(request: Request, _error: Exception) -> Response:
    return error_response(request, 422)


def _input(request: Request, error: Exception) -> Response:
    assert isinstance(error, InputError)
    return error_response(request, 400, "; ".join(d.message for d in error.diagnostics[:5]))


def _bad_form(request: Request, error: Exception) -> Response:
    return error_response(request, 400, str(error))


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
    BadForm: _bad_form,
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
