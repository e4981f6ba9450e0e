"""Serves an ASGI application of a simulator on a loopback port."""

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import uvicorn

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_BACKLOG = 2048
"""Tests open hundreds of connections at once; the default would refuse some."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; ``drop`` closes the connection instead."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    drop: bool = False

    @classmethod
    def json(cls, content: object, status: int = 200, **headers: str) -> "Reply":
        """Make a JSON answer; underscores in header names become dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(content).encode(), named)


DROPPED = Reply(drop=True)


async def read(receive: Receive) -> bytes:
    """Read the whole body of a request."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client went away")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def answer(reply: Reply, receive: Receive, send: Send) -> None:
    """Send an answer, or close the connection without one."""
    if reply.drop:
        # ASGI has no way to abort a connection, so the server's own transport is used.
        receive.__self__.transport.abort()  # type: ignore[attr-defined]
        return
    headers = {"content-type": reply.media_type, **reply.headers}
    headers["content-length"] = str(len(reply.body))
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await send({"type": "http.response.body", "body": reply.body})


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request, with names in lower case."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def run(application: object, port: int) -> None:
    """Serve on a loopback port until SIGTERM; 0 picks a free one. Prints ``ready URL``."""
    listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
    # TCP_NODELAY, which connections inherit: else the body of an answer comes 40 ms after its head.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        application,  # type: ignore[arg-type]
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
        backlog=_BACKLOG,
    )
    sys.stdout.write(f"ready http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    asyncio.run(uvicorn.Server(config).serve([listener]))
