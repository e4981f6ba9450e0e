"""The life of a batch over time, from its validation to its files."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.sim.openai import refusals
from ingest.sim.openai.answers import answered
from ingest.sim.openai.endpoint_options import EndpointOptions

MAX_REQUESTS = 50_000
MAX_INPUTS = 50_000
OVER = frozenset({"failed", "completed", "expired", "cancelled"})
Count = Callable[[list[str]], list[int]]


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One line of an input file."""

    custom_id: str
    body: dict[str, Any]
    tokens: int

    @property
    def texts(self) -> list[str]:
        """The texts to embed."""
        given = self.body["input"]
        return [given] if isinstance(given, str) else given


@dataclass(slots=True)
class Life:
    """The state of a batch."""

    batch_id: str
    began: float
    """Start time on the server's monotonic clock."""
    requests: tuple[BatchLine, ...] = ()
    status: str = "validating"
    errors: list[dict[str, Any]] = field(default_factory=list)
    cancelling_at: float | None = None
    done: int = 0
    """Number of requests that are done."""

    @property
    def tokens(self) -> int:
        """Tokens of all requests."""
        return sum(request.tokens for request in self.requests)

    def advance(self, now: float, options: EndpointOptions) -> bool:
        """Update the state to this time; True when the batch has just ended."""
        if self.status in OVER:
            return False
        elapsed = now - self.began
        lasts = max(options.batch_seconds, 1e-9)
        stopped = [(options.batch_window, "expired"), (lasts, "completed")]
        if self.cancelling_at is not None:
            stopped.append((self.cancelling_at - self.began, "cancelled"))
        end, status = min(stopped)
        share = min(1.0, min(elapsed, end) / lasts)
        self.done = int(share * len(self.requests))
        if elapsed >= end:
            self.status = status
            return True
        if self.cancelling_at is None:
            self.status = "in_progress"
        return False


def validate(content: bytes, endpoint: str, count: Count) -> tuple[list[BatchLine], list[Any]]:
    """Read the requests of an input file, or its errors."""
    requests: list[BatchLine] = []
    seen: set[str] = set()
    lines = content.splitlines()
    if not lines:
        return [], [_error("empty_file", "The input file is empty.", None)]
    if len(lines) > MAX_REQUESTS:
        message = f"The input file has {len(lines)} requests, the limit is {MAX_REQUESTS}."
        return [], [_error("too_many_requests", message, None)]
    for number, line in enumerate(lines, start=1):
        wrong = _wrong(line, endpoint, seen)
        if wrong is not None:
            return [], [_error(*wrong, number)]
        given = json.loads(line)
        seen.add(given["custom_id"])
        requests.append(BatchLine(given["custom_id"], given["body"], 0))
    if len({request.body.get("model") for request in requests}) > 1:
        return [], [_error("mismatched_model", "All requests must be for one model.", None)]
    texts = [text for request in requests for text in request.texts]
    if len(texts) > MAX_INPUTS:
        message = f"The requests have {len(texts)} inputs, the limit is {MAX_INPUTS}."
        return [], [_error("too_many_inputs", message, None)]
    counts = iter(count(texts))
    return [
        BatchLine(r.custom_id, r.body, sum(next(counts) for _ in r.texts)) for r in requests
    ], []


def _wrong(line: bytes, endpoint: str, seen: set[str]) -> tuple[str, str] | None:
    try:
        given = json.loads(line)
    except ValueError:
        return "invalid_json_line", "This line is not parseable as valid JSON."
    if not isinstance(given, dict) or not isinstance(given.get("custom_id"), str):
        return "missing_required_parameter", "Missing required parameter: 'custom_id'."
    if given["custom_id"] in seen:
        return "duplicate_custom_id", "The custom_id is used by another request of this file."
    if given.get("method") != "POST" or given.get("url") != endpoint:
        return "mismatched_url", f"The request must POST to {endpoint}."
    body = given.get("body")
    texts = body.get("input") if isinstance(body, dict) else None
    if not isinstance(texts, str | list):
        return "invalid_request", "The body is not a request for embeddings."
    return None


def _error(code: str, message: str, line: int | None) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": None}


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The files and the charge of a batch that has ended."""

    output: bytes
    errors: bytes
    completed: int
    failed: int
    texts: list[str]
    tokens: int


def outcome(life: Life, options: EndpointOptions, *, seed: int) -> BatchResult:
    """Answer the requests that a batch had time for, in random order."""
    dice = random.Random(f"{seed}:{life.batch_id}")  # noqa: S311
    order: Sequence[BatchLine] = dice.sample(life.requests, len(life.requests))
    output, errors, texts, tokens = [], [], list[str](), 0
    for place, request in enumerate(order):
        name = f"batch_req_{life.batch_id[6:]}_{place}"
        if place >= life.done:
            error = _unmade(life.status)
            errors.append(_line(name, request, None, error))
            continue
        refused = _refused(request, options)
        if refused is None and dice.random() < options.batch_error_rate:
            refused = refusals.of_fault("500")
        if refused is not None:
            body = json.loads(refused.body)
            errors.append(_line(name, request, {"status_code": refused.status, "body": body}, None))
            continue
        body = json.loads(answered(request.body, request.texts, request.tokens, None))
        output.append(_line(name, request, {"status_code": 200, "body": body}, None))
        texts += request.texts
        tokens += request.tokens
    return BatchResult(b"".join(output), b"".join(errors), len(output), len(errors), texts, tokens)


def _refused(request: BatchLine, options: EndpointOptions) -> Any:
    return (
        refusals.of_shape(request.body)
        or refusals.of_size([request.tokens])
        or refusals.of_dimensions(request.body["model"], request.body.get("dimensions"))
        or refusals.of_poison(request.texts, options.poison_named, options.poison)
    )


def _unmade(status: str) -> dict[str, str]:
    if status == "expired":
        message = "This request could not be executed before the completion window expired."
        return {"code": "batch_expired", "message": message}
    return {"code": "batch_cancelled", "message": "This request was cancelled with its batch."}


def _line(
    name: str, request: BatchLine, response: dict[str, Any] | None, error: dict[str, str] | None
) -> bytes:
    if response is not None:
        response["request_id"] = f"req_{name}"
    line = {"id": name, "custom_id": request.custom_id, "response": response, "error": error}
    return json.dumps(line).encode() + b"\n"
