"""Converts errors into HTTP answers: RFC 9457 problem+json, with one table of statuses."""

import json
import math
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Literal

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from ingest.domain import errors
from ingest.domain.plain_words import fault

log = structlog.get_logger(module=__name__)
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = timedelta(seconds=2)
"""What a client is told when the error itself does not say."""
STATUS: dict[type[errors.IngestError], HTTPStatus] = {
    errors.IngestError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.DocumentRejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.DocumentTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.TooManyPages: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyTokens: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.DocumentUnreadable: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.DocumentEncrypted: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.DocumentEmpty: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ParserLimitExceeded: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidFilename: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ParseInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.SourceGone: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RequestRejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.DocumentExists: HTTPStatus.CONFLICT,
    errors.DocumentDeleted: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ManifestLineInvalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UploadTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    errors.TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TextsMissing: HTTPStatus.TOO_MANY_REQUESTS,
    errors.LimitReached: HTTPStatus.TOO_MANY_REQUESTS,
    errors.ProviderUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SourceUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SourceChanged: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SpaceMoved: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.WorkerLost: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.WaitExpired: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Unexpected: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.MustWait: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ProviderPaused: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.BudgetExhausted: HTTPStatus.PAYMENT_REQUIRED,
    errors.ParseUnderway: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.PausedByOperator: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ProviderRefused: HTTPStatus.BAD_GATEWAY,
    errors.InputRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RequestTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.CredentialsRefused: HTTPStatus.BAD_GATEWAY,
    errors.BillingRefused: HTTPStatus.BAD_GATEWAY,
    errors.InvalidVector: HTTPStatus.BAD_GATEWAY,
    errors.TextsFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.LeaseLost: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.IllegalTransition: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ConfigurationError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.WrongSettings: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.FolderRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.BackupUnusable: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.RestoreRefused: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of each class; a test checks that none is missing."""


class FieldProblem(BaseModel):
    """One invalid field of a request."""

    field: str = Field(description="The field, e.g. body.k or query.limit.")
    message: str


class Problem(BaseModel):
    """The body of every error (RFC 9457, application/problem+json)."""

    type: Literal["about:blank"]
    title: str = Field(description="The status in words.")
    status: int
    code: str = Field(description="Stable name of the error, for programs.")
    detail: str = Field(
        description="The problem, in words for people; it names the limit that was exceeded."
    )
    instance: str = Field(description="Correlation id of the request, as in X-Request-ID.")
    errors: list[FieldProblem] | None = Field(None, description="The invalid fields.")
    incident: str | None = Field(
        None, description="The id of the trace in the log; give it to the operator."
    )
    problems: list[str] | None = Field(None, description="Why the system is not ready.")


def respond(
    request: Request,
    status: int,
    *,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> Response:
    """Make the answer that reports a problem.

    Args:
        request: The request that failed.
        status: HTTP status.
        code: Stable name of the error.
        detail: The problem in words, without secrets.
        headers: Additional headers.
        extensions: Additional members of the JSON body.
    """
    body = _body(request, status, code, detail) | dict(extensions or {})
    # ASCII, because a client's field name may hold a lone surrogate, which UTF-8 cannot encode.
    return Response(
        json.dumps(body).encode("ascii"),
        status_code=status,
        headers=headers,
        media_type=MEDIA_TYPE,
    )


def _body(request: Request, status: int, code: str, detail: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "instance": request.state.correlation_id,
    }


def problem_of(request: Request, error: errors.IngestError) -> Problem:
    """The body of the answer to an error, for an answer that holds several."""
    return Problem(**_body(request, status_of(error), error.code, error.message))


def retry_seconds(error: errors.IngestError) -> int | None:
    """Seconds after which the same request may succeed; None when repeating does not help."""
    if status_of(error) not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return None
    asked = error.retry_after if isinstance(error, errors.TransientError) else None
    return math.ceil((asked or RETRY_AFTER).total_seconds())


def status_of(error: errors.IngestError) -> HTTPStatus:
    """The HTTP status of an error: that of its class, or of its nearest base class."""
    return next(STATUS[base] for base in type(error).__mro__ if base in STATUS)


async def on_ingest_error(request: Request, exc: Exception) -> Response:
    """Answer an ``IngestError``."""
    if not isinstance(exc, errors.IngestError):
        raise exc
    status = status_of(exc)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request not served", code=exc.code, detail=exc.message, exc_info=exc)
    headers: dict[str, str] = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="ingest"'
    if status is HTTPStatus.FORBIDDEN:
        headers["WWW-Authenticate"] = 'Bearer realm="ingest", error="insufficient_scope"'
    if (seconds := retry_seconds(exc)) is not None:
        headers["Retry-After"] = str(seconds)
    return respond(request, status, code=exc.code, detail=exc.message, headers=headers)


async def on_invalid_request(request: Request, exc: Exception) -> Response:
    """Answer a request that does not match its schema; the answer does not repeat the values."""
    if not isinstance(exc, RequestValidationError):
        raise exc
    found = [
        {
            "field": ".".join(map(str, error["loc"])),
            "message": fault(error["type"], error.get("ctx", {}), error["msg"]),
        }
        for error in exc.errors()
    ]
    return respond(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        code=errors.InvalidRequest.code,
        detail="; ".join(f"{problem['field']} {problem['message']}" for problem in found[:5]),
        extensions={"errors": found},
    )


async def on_http_exception(request: Request, exc: Exception) -> Response:
    """Answer errors of the framework: unknown paths, wrong methods, bodies that are not JSON."""
    if not isinstance(exc, HTTPException):
        raise exc
    if isinstance(exc.__cause__, errors.IngestError):
        return await on_ingest_error(request, exc.__cause__)
    status, code, detail = exc.status_code, "http_error", str(exc.detail)
    if status == HTTPStatus.NOT_FOUND:
        code, detail = errors.NotFound.code, "there is nothing at this path"
    elif status == HTTPStatus.METHOD_NOT_ALLOWED:
        code, detail = "method_not_allowed", f"this path does not support {request.method}"
        return respond(
            request, status, code=code, detail=detail, headers={"Allow": _methods(request)}
        )
    elif status == HTTPStatus.BAD_REQUEST:
        status, code = HTTPStatus.UNPROCESSABLE_ENTITY, errors.InvalidRequest.code
        detail = "the body cannot be decoded as JSON"
    return respond(request, status, code=code, detail=detail, headers=exc.headers)


def _methods(request: Request) -> str:
    """All methods of the path; the framework names only those of its first route."""
    matching = (
        route
        for route in request.app.state.routes
        if route.matches(request.scope)[0] is not Match.NONE
    )
    return ", ".join(sorted({method for route in matching for method in route.methods}))


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route may answer with, for OpenAPI."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
