"""Records all calls and charges of simulated OpenAI."""

import hashlib
import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Call:
    """A request, as the provider received it."""

    at: float
    request_id: str
    client_id: str
    """The client's id of the request: X-Client-Request-Id."""
    key: str
    """First eight hex digits of the key's SHA-256."""
    status: int = 0
    """HTTP status; 0 when the connection was closed without an answer."""
    fault: str | None = None
    inputs: int = 0
    tokens: int = 0
    """Charged tokens."""
    retry: int = 0
    batched: bool = False
    """True for a provider batch, whose tokens do not count against the limit per minute."""


class Books:
    """All calls since the last reset."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Remove all calls."""
        self._began = time.monotonic()
        self.calls: list[Call] = []
        self._digests: Counter[bytes] = Counter()
        self.texts: dict[str, list[str]] = {}
        """Hex SHA-256 of the charged texts, by the client's id of the call."""

    def open(self, client_id: str, key: str, retry: int) -> Call:
        """Record a new call."""
        request_id = (
            f"req_{len(self.calls):06d}{hashlib.sha256(str(self._began).encode()).hexdigest()[:18]}"
        )
        call = Call(time.monotonic() - self._began, request_id, client_id, key, retry=retry)
        self.calls.append(call)
        return call

    def charge(self, call: Call, texts: list[str], tokens: int) -> None:
        """Charge a call."""
        call.inputs, call.tokens = len(texts), tokens
        digests = [hashlib.sha256(text.encode()) for text in texts]
        self._digests.update(digest.digest() for digest in digests)
        self.texts[call.client_id] = [digest.hexdigest() for digest in digests]

    def stats(self) -> dict[str, Any]:
        """The total counts."""
        charged = [call for call in self.calls if call.tokens]
        at_once = [call for call in charged if not call.batched]
        timeline: dict[int, int] = defaultdict(int)
        for call in at_once:
            timeline[int(call.at)] += call.tokens
        seconds = max(timeline, default=-1) + 1
        return {
            "requests": len(self.calls),
            "by_status": dict(Counter(str(call.status) for call in self.calls)),
            "by_fault": dict(Counter(call.fault for call in self.calls if call.fault)),
            "http_429": sum(call.status == 429 for call in self.calls),
            "sdk_retries": sum(call.retry > 0 for call in self.calls),
            "requests_billed": len(charged),
            "tokens_billed": sum(call.tokens for call in charged),
            "inputs_billed": sum(call.inputs for call in charged),
            "distinct_inputs_billed": len(self._digests),
            "inputs_billed_again": sum(count - 1 for count in self._digests.values()),
            "tokens_batched": sum(call.tokens for call in charged if call.batched),
            "tokens_by_key": _by_key(charged),
            "peak_tokens_in_a_minute": _peak(at_once),
            "tokens_by_second": [timeline[second] for second in range(seconds)],
        }

    def listed(self) -> list[dict[str, Any]]:
        """All calls."""
        return [asdict(call) for call in self.calls]


def _by_key(calls: list[Call]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for call in calls:
        totals[call.key] += call.tokens
    return dict(totals)


def _peak(calls: list[Call]) -> int:
    """Most tokens charged within any sixty seconds."""
    best = total = first = 0
    for call in calls:
        total += call.tokens
        while calls[first].at <= call.at - 60:
            total -= calls[first].tokens
            first += 1
        best = max(best, total)
    return best
