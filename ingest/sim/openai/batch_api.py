"""The endpoints for files and batches: a batch is submitted now and answered later."""

import asyncio
import hashlib
import itertools
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from starlette.datastructures import UploadFile
from starlette.requests import Request as Form

from ingest.sim.faults import FaultSwitch
from ingest.sim.openai import refusals
from ingest.sim.openai.batch_life import OVER, Count, Life, outcome, validate
from ingest.sim.openai.endpoint_options import EndpointOptions
from ingest.sim.openai.usage_log import Books, Call
from ingest.sim.server import DROPPED, Reply, Scope, headers_of

PATHS = ("/v1/files", "/v1/batches")
MAX_FILE_BYTES = 200_000_000
_PAGE = 20


@dataclass(frozen=True, slots=True)
class _File:
    """A stored file."""

    file_id: str
    filename: str
    purpose: str
    content: bytes
    created_at: int

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.file_id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
        }


@dataclass(slots=True)
class _BatchRecord:
    """A stored batch."""

    life: Life
    asked: dict[str, Any]
    created_at: int
    call: Call
    output_file_id: str | None = None
    error_file_id: str | None = None
    completed: int = 0
    failed: int = 0
    tokens: int = 0

    def as_json(self, window: float) -> dict[str, Any]:
        life = self.life
        now = int(time.time())
        errors = {"object": "list", "data": life.errors} if life.errors else None
        return {
            "id": life.batch_id,
            "object": "batch",
            "endpoint": self.asked["endpoint"],
            "errors": errors,
            "input_file_id": self.asked["input_file_id"],
            "completion_window": self.asked["completion_window"],
            "status": life.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "expires_at": self.created_at + int(window),
            f"{life.status}_at": now,
            "request_counts": {
                "total": len(life.requests),
                "completed": self.completed,
                "failed": self.failed,
            },
            "metadata": self.asked.get("metadata"),
        }


class Batches:
    """All files and batches of the account."""

    def __init__(
        self, options: EndpointOptions, faults: FaultSwitch, books: Books, count: Count
    ) -> None:
        self._options = options
        self._faults = faults
        self._books = books
        self._count = count
        self._turn = asyncio.Lock()
        self._numbers = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        """Remove all files and batches; their ids are not used again."""
        self._files: dict[str, _File] = {}
        self._batches: dict[str, _BatchRecord] = {}

    async def reply(self, scope: Scope, body: bytes) -> Reply:
        """Answer one request, or fail by the schedule of faults."""
        fault, delay = self._faults.next()
        await asyncio.sleep(delay)
        if (broken := refusals.of_fault(fault)) is not None:
            return broken
        headers = headers_of(scope)
        if refused := refusals.of_key(headers.get("authorization", ""), self._options.keys):
            return refused
        async with self._turn:
            for batch in self._batches.values():
                await self._advance(batch)
            reply = await self._route(scope, headers, body)
        if fault == "drop_after":
            return DROPPED
        if fault == "truncated":
            return Reply(reply.status, reply.body[: len(reply.body) // 2])
        return reply

    async def _route(self, scope: Scope, headers: dict[str, str], body: bytes) -> Reply:
        method, [_, _, kind, *rest] = scope["method"], scope["path"].split("/")
        match method, kind, rest:
            case "POST", "files", []:
                return await self._upload(scope, body)
            case (("GET" | "DELETE"), "files", [file_id, *tail]):
                return self._file(method, file_id, tail)
            case "POST", "batches", []:
                return await self._create(headers, body)
            case "GET", "batches", []:
                return self._list(parse_qs(scope["query_string"].decode()))
            case "GET", "batches", [batch_id] if batch_id in self._batches:
                return self._as_reply(self._batches[batch_id])
            case "POST", "batches", [batch_id, "cancel"] if batch_id in self._batches:
                return self._cancel(self._batches[batch_id])
        return refusals.error(404, f"No such {kind}: {rest}", "invalid_request_error", None)

    async def _upload(self, scope: Scope, body: bytes) -> Reply:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async with Form(dict(scope), receive).form() as form:
            given = form.get("file")
            if not isinstance(given, UploadFile) or form.get("purpose") != "batch":
                return refusals.invalid("'file' and 'purpose' are required.")
            content = await given.read()
            name = given.filename or "file"
        if len(content) > MAX_FILE_BYTES:
            return refusals.invalid(f"The file has {len(content)} bytes, over 200 MB.")
        return Reply.json(self._keep(name, "batch", content).as_json())

    def _file(self, method: str, file_id: str, tail: list[str]) -> Reply:
        file = self._files.get(file_id)
        if file is None:
            return refusals.error(404, f"No such File object: {file_id}", None, None)
        if method == "DELETE":
            del self._files[file_id]
            return Reply.json({"id": file_id, "object": "file", "deleted": True})
        if tail == ["content"]:
            return Reply(200, file.content, media_type="application/octet-stream")
        return Reply.json(file.as_json())

    async def _create(self, headers: dict[str, str], body: bytes) -> Reply:
        try:
            asked = json.loads(body)
        except ValueError:
            return refusals.invalid("We could not parse the JSON body of your request.")
        file = self._files.get(asked.get("input_file_id"))
        if file is None or asked.get("endpoint") != "/v1/embeddings":
            return refusals.invalid("'input_file_id' and 'endpoint' must be known.")
        if asked.get("completion_window") != "24h":
            return refusals.invalid("'completion_window' must be 24h.")
        secret = headers.get("authorization", "").removeprefix("Bearer ").strip()
        call = self._books.open(
            headers.get("x-client-request-id", ""),
            hashlib.sha256(secret.encode()).hexdigest()[:8],
            int(headers.get("x-stainless-retry-count", "0")),
        )
        call.batched, call.status = True, 200
        life = Life(f"batch_{next(self._numbers):08d}", time.monotonic())
        requests, life.errors = await asyncio.to_thread(
            validate, file.content, asked["endpoint"], self._count
        )
        life.requests = tuple(requests)
        if not life.errors and (error := self._over_queue(life)):
            life.errors = [error]
        if life.errors:
            life.status, life.requests = "failed", ()
        record = _BatchRecord(life, asked, int(time.time()), call)
        self._batches[life.batch_id] = record
        shown = record.as_json(self._options.batch_window)
        return Reply.json(shown | {"status": "validating", "errors": None})

    def _over_queue(self, life: Life) -> dict[str, Any] | None:
        model = life.requests[0].body["model"]
        queued = sum(
            batch.life.tokens
            for batch in self._batches.values()
            if batch.life.status not in OVER and batch.life.requests[0].body["model"] == model
        )
        limit = self._options.batch_queue_tokens
        if queued + life.tokens <= limit:
            return None
        message = (
            f"Enqueued token limit reached for {model} in organization org-simulated. Limit: "
            f"{limit:,.0f} enqueued tokens. Please try again once some in_progress batches have "
            "been completed."
        )
        return {"code": "token_limit_exceeded", "message": message, "line": None, "param": None}

    def _list(self, query: dict[str, list[str]]) -> Reply:
        newest = list(reversed(self._batches.values()))
        if after := query.get("after"):
            ids = [batch.life.batch_id for batch in newest]
            newest = newest[ids.index(after[0]) + 1 :] if after[0] in ids else []
        limit = int(query.get("limit", [str(_PAGE)])[0])
        page = [batch.as_json(self._options.batch_window) for batch in newest[:limit]]
        ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
        more = len(newest) > limit
        return Reply.json({"object": "list", "data": page, "has_more": more, **ends})

    def _cancel(self, batch: _BatchRecord) -> Reply:
        if batch.life.status not in OVER:
            batch.life.status, batch.life.cancelling_at = "cancelling", time.monotonic()
        return self._as_reply(batch)

    async def _advance(self, batch: _BatchRecord) -> None:
        if not batch.life.advance(time.monotonic(), self._options):
            return
        seed = self._faults.faults.seed
        over = await asyncio.to_thread(outcome, batch.life, self._options, seed=seed)
        batch.completed, batch.failed, batch.tokens = over.completed, over.failed, over.tokens
        if over.output:
            batch.output_file_id = self._keep("output.jsonl", "batch_output", over.output).file_id
        if over.errors:
            batch.error_file_id = self._keep("errors.jsonl", "batch_output", over.errors).file_id
        if over.texts:
            self._books.charge(batch.call, over.texts, over.tokens)

    def _as_reply(self, batch: _BatchRecord) -> Reply:
        shown = batch.as_json(self._options.batch_window)
        usage = {
            "input_tokens": batch.tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": batch.tokens,
        }
        return Reply.json(shown | {"usage": usage})

    def _keep(self, name: str, purpose: str, content: bytes) -> _File:
        file = _File(f"file-{next(self._numbers):08d}", name, purpose, content, int(time.time()))
        self._files[file.file_id] = file
        return file
