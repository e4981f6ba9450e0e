"""A client of the gateway's HTTP API."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self

import httpx

from ingest.cli.exit_codes import Refused, Unreachable, WrongUsage
from ingest.cli.output import Json

BATCH_JOBS = 500
"""Most job ids in one request."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TIMEOUT = httpx.Timeout(60, connect=5)
"""Seconds. A search may wait for a provider; a connection takes milliseconds."""
_NO_ANSWER = "All connection attempts failed"
"""The text of httpx for a refused connection. It says nothing new, so messages leave it out."""
_NO_KEY = (
    "the gateway wants an API key or a token: give --key KEY or set INGEST_API_KEY; "
    "'ingest keys create' makes a key"
)
_QUIET_SECONDS = 0.7
"""After this silence, a live stream of events has sent all past events."""


class GatewayClient:
    """A connection to one gateway, as one tenant; use it as an async context manager."""

    def __init__(
        self, url: str, key: str | None = None, *, patience: float = 0, connections: int = 4
    ) -> None:
        """Prepare the connection; send nothing yet.

        Args:
            url: URL of the gateway.
            key: API key; None when authentication is off.
            patience: Seconds for which a request is repeated while the gateway is busy or silent.
            connections: Most connections at the same time.

        Raises:
            WrongUsage: the URL is not valid.
        """
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as exc:
            raise WrongUsage(f"{url!r} is not a URL") from exc
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise WrongUsage(f"{url!r} is not an http:// or https:// URL")
        self.url = url.rstrip("/")
        self._patience = patience
        self._client = httpx.AsyncClient(
            base_url=self.url,
            headers={"authorization": f"Bearer {key}"} if key else {},
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=connections),
            trust_env=parsed.host not in _LOOPBACK,
        )

    async def __aenter__(self) -> Self:
        """Open nothing; connections open on first use."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def get(self, path: str, **params: str | float | None) -> Json:
        """Read a JSON object.

        Raises:
            Refused: the gateway answered with a problem.
            Unreachable: the gateway did not answer.
        """
        present = {name: value for name, value in params.items() if value is not None}
        return _body(await self._send(lambda: self._client.get(path, params=present)))

    async def pages(
        self,
        path: str,
        name: str,
        *,
        limit: int,
        page: int,
        params: Mapping[str, str | float | None],
    ) -> list[Json]:
        """Read a list page by page; errors as ``get``.

        Args:
            path: Path of the list.
            name: Field of the answer that holds the list.
            limit: Most entries to return.
            page: Most entries in one answer.
            params: Query parameters that filter the list.
        """
        found: list[Json] = []
        cursor: str | None = None
        while len(found) < limit:
            size = min(page, limit - len(found))
            answer = await self.get(path, **params, limit=size, cursor=cursor)
            found += answer[name]
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        return found

    async def post(self, path: str, body: object = None) -> Json:
        """Send a POST request; errors as ``get``."""
        return _body(await self._send(lambda: self._client.post(path, json=body)))

    async def delete(self, path: str) -> Json:
        """Send a DELETE request; errors as ``get``."""
        return _body(await self._send(lambda: self._client.delete(path)))

    async def readiness(self) -> tuple[bool, Json]:
        """Ask whether the system is ready, and for the state of its parts.

        Raises:
            Unreachable: the gateway did not answer.
        """
        response = await self._once(lambda: self._client.get("/readyz"))
        return response.status_code == 200, _body_or_nothing(response)

    async def text(self, path: str) -> str:
        """Read a text that is not JSON; errors as ``get``."""
        return (await self._send(lambda: self._client.get(path))).text

    async def jobs(self, job_ids: Sequence[str]) -> list[Json]:
        """Read the jobs with these ids, at most BATCH_JOBS; unknown ids are left out."""
        answer = await self.post("/v1/jobs:batchGet", {"job_ids": list(job_ids)})
        return list(answer["jobs"])

    async def history(self, job_id: str) -> list[Json]:
        """Read the past events of a job, in order; errors as ``get``."""
        events: list[Json] = []
        headers = {"accept": "text/event-stream"}
        path = f"/v1/jobs/{job_id}/events"
        async with self._client.stream("GET", path, headers=headers) as response:
            if response.status_code >= 400:
                await response.aread()
                raise refusal(response)
            lines = response.aiter_lines()
            with suppress(StopAsyncIteration, TimeoutError, httpx.TransportError):
                while True:  # the stream of an unfinished job stays open; past events come at once
                    async with asyncio.timeout(_QUIET_SECONDS if events else _TIMEOUT.read):
                        line = await anext(lines)
                    if line.startswith("data:"):
                        events.append(json.loads(line.removeprefix("data:")))
        return events

    async def upload(
        self,
        params: dict[str, str],
        headers: dict[str, str],
        body: Callable[[], AsyncIterator[bytes]],
    ) -> Json:
        """Upload a document; errors as ``get``.

        Args:
            params: Query parameters.
            headers: Content type and length.
            body: Opens the bytes again for each try.
        """
        return await self._upload("/v1/documents", params, headers, body)

    async def upload_batch(
        self, headers: dict[str, str], body: Callable[[], AsyncIterator[bytes]]
    ) -> list[Json]:
        """Upload the files of a form, as ``upload``; returns the result of each, in order."""
        answer = await self._upload("/v1/documents:batch", {}, headers, body)
        return list(answer.get("results") or [])

    async def _upload(
        self,
        path: str,
        params: dict[str, str],
        headers: dict[str, str],
        body: Callable[[], AsyncIterator[bytes]],
    ) -> Json:
        async def attempt() -> httpx.Response:
            try:
                return await self._client.post(path, params=params, headers=headers, content=body())
            except httpx.LocalProtocolError as exc:
                raise Refused(
                    "the file changed while it was read; upload it again", problem="file_changed"
                ) from exc

        return _body(await self._send(attempt))

    async def _send(self, request: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        """Send a request, and repeat it while the gateway is busy or silent and patience lasts."""
        deadline: float | None = None
        for attempt in itertools.count():
            # 0.25, 0.5, 1, … 10 s; the jitter spreads clients that failed at the same moment.
            pause = min(10.0, 0.25 * 2**attempt) * random.uniform(0.75, 1.25)  # noqa: S311
            failure: Refused | Unreachable
            try:
                response = await self._once(request)
            except Unreachable as exc:
                failure = exc
            else:
                if response.status_code < 400:
                    return response
                failure = refusal(response)
                if not failure.is_busy:
                    raise failure
                pause = max(pause, retry_after(response))
            # Patience begins with the first failure: a long upload must not use it up before.
            deadline = deadline or time.monotonic() + self._patience
            if time.monotonic() + pause > deadline:
                raise failure
            await asyncio.sleep(pause)
        raise AssertionError

    async def _once(self, request: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        try:
            return await request()
        except httpx.TimeoutException as exc:
            raise Unreachable(f"no answer from {self.url} in time") from exc
        except httpx.ConnectError as exc:
            reason = "" if str(exc) == _NO_ANSWER else f" ({exc})"
            raise Unreachable(
                f"nothing answers at {self.url}{reason}; 'ingest up' starts a system, "
                "INGEST_URL or --url names another one"
            ) from exc
        except httpx.TransportError as exc:
            raise Unreachable(f"{self.url} broke off the connection") from exc


def refusal(response: httpx.Response) -> Refused:
    """Convert a problem+json answer into an error."""
    problem = _body_or_nothing(response)
    detail = problem.get("detail") or problem.get("title") or response.reason_phrase
    if response.status_code == 401 and "authorization" not in response.request.headers:
        detail = _NO_KEY
    return Refused(
        str(detail),
        status=response.status_code,
        problem=str(problem.get("code") or f"http_{response.status_code}"),
    )


def retry_after(response: httpx.Response) -> float:
    """Seconds to wait before the next request; 0 when the gateway gives none."""
    value = response.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _body_or_nothing(response: httpx.Response) -> Json:
    try:
        body: Any = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _body(response: httpx.Response) -> Json:
    if response.status_code == 204 or not response.content:
        return {}
    body = _body_or_nothing(response)
    if not body:
        raise Refused(
            "the answer is not from a gateway of ingest; check --url or INGEST_URL",
            status=response.status_code,
        )
    return body
