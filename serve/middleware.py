"""Middleware around every request: correlation id, body limit, metrics, unexpected errors."""

import time
from collections.abc import Collection, MutableMapping
from http import HTTPMethod
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingest.domain.errors import BodyTooLarge
from serve.metrics import Metrics
from serve.problems import respond

log = structlog.get_logger(module=__name__)
HEADER = "X-Request-ID"
MAX_BODY_BYTES = 1024 * 1024
"""Largest body of a request that is not an upload."""
_MAX_ID_CHARS = 128
_GONE = 499
"""The status in metrics when the client closed the connection before the answer."""
_METHODS = frozenset(HTTPMethod)


class RequestMiddleware:
    """ASGI middleware around the whole API."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        metrics: Metrics,
        upload_paths: Collection[str],
        names_responses: bool = True,
    ) -> None:
        """Wrap an application.

        Args:
            app: The application.
            metrics: Counts the requests.
            upload_paths: POST requests to these have no limit here; the routes check their own.
            names_responses: Whether to send the correlation id back; Ray Serve does it by itself.
        """
        self._app = app
        self._metrics = metrics
        self._upload_paths = frozenset(upload_paths)
        self._names_responses = names_responses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation_id = _correlation_id(scope)
        scope.setdefault("state", {})["correlation_id"] = correlation_id
        exchange = _Exchange(
            scope, receive, send, named=correlation_id if self._names_responses else None
        )
        is_upload = scope["method"] == "POST" and scope["path"] in self._upload_paths
        receive = receive if is_upload else exchange.receive_limited
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            try:
                await self._app(scope, receive, exchange.send_on)
            except ClientDisconnect:
                log.info("client went away", path=scope["path"])
            except Exception:
                incident = uuid4().hex
                log.exception("request failed", incident=incident, path=scope["path"])
                if exchange.status:
                    raise  # the answer has begun, so only the server can abort it
                await exchange.apologise(incident)
            finally:
                self._observe(exchange)

    def _observe(self, exchange: "_Exchange") -> None:
        scope, status = exchange.scope, exchange.status or _GONE
        route = scope.get("route")
        template = route.path_format if isinstance(route, Route) else "unmatched"
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        seconds = time.perf_counter() - exchange.started_at
        self._metrics.observe(method, template, status, seconds)
        log.debug("request", method=method, route=template, status=status, seconds=seconds)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        receive: Receive,
        send: Send,
        *,
        named: str | None,
    ) -> None:
        self.scope = scope
        self.started_at = time.perf_counter()
        self.status = 0
        """0 until the answer begins."""
        self._receive = receive
        self._send = send
        self._named = named
        self._received_bytes = 0

    async def receive_limited(self) -> Message:
        message = await self._receive()
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > MAX_BODY_BYTES:
            raise BodyTooLarge(f"the body has over {MAX_BODY_BYTES} bytes, the limit")
        return message

    async def send_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._named is not None:
                MutableHeaders(scope=message)[HEADER] = self._named
        await self._send(message)

    async def apologise(self, incident: str) -> None:
        """Answer after an unexpected error."""
        answer = respond(
            Request(self.scope),
            500,
            code="internal_error",
            detail=f"the server failed; its log has the trace under incident {incident}",
            extensions={"incident": incident},
        )
        await answer(self.scope, self._receive, self.send_on)


def _correlation_id(scope: Scope) -> str:
    """Use the client's request id when it is valid, else make one."""
    given = Headers(scope=scope).get(HEADER, "")
    sane = given.isascii() and given.isprintable() and " " not in given
    return given if sane and 0 < len(given) <= _MAX_ID_CHARS else uuid4().hex
