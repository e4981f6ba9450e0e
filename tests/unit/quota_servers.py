"""Providers with quotas of many kinds, and clients that ask a meter first, in simulated time."""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from ingest.domain.token_bucket import MINUTE, TokenBucket


@dataclass(frozen=True, slots=True)
class Kind:
    """How a provider counts, and the part of it that its headers show."""

    bucket_seconds: float = 60.0
    """Seconds of the rate that the bucket holds."""
    steps: bool = False
    """Whether the bucket is filled once a second, all at once."""
    windows: bool = False
    """Whether every second of the clock has its own limit, as well."""
    fixed_minutes: bool = False
    """Whether each minute of the clock has the whole limit, instead of a bucket."""
    headers: str = "true"
    """One of HEADERS."""
    charge_refused: bool = False
    foreign_share: float = 0.0
    """Share of the limit that another client takes, at an even pace."""
    foreign_from: float = 0.0
    foreign_until: float = math.inf
    retry_after: bool = True
    latency: float = 0.2


@dataclass(slots=True)
class Server:
    """The provider's side of the quota; amounts are tokens."""

    kind: Kind
    limit: float
    level: float = 0.0
    at: float = 0.0
    window: tuple[int, float] = (0, 0.0)
    foreign: float = 0.0
    """Amount that the other client wants and did not get yet."""
    history: deque[tuple[float, float]] = field(default_factory=deque)

    @property
    def size(self) -> float:
        """Most that the bucket holds."""
        return self.limit / MINUTE * self.kind.bucket_seconds

    def admit(self, amount: float, now: float) -> float:
        """Admit a request and return 0, or return the seconds to wait, above 0."""
        self.advance(now)
        rate = self.limit / MINUTE
        wait = max(0.0, (amount - self.level) / rate)
        if self.kind.windows:
            second, used = self.window
            if second != int(now):
                second, used = int(now), 0.0
            if used + amount > max(rate, amount):
                wait = max(wait, 1.0 - now % 1.0)
            self.window = (second, used + (amount if not wait else 0.0))
        if wait > 0:
            if self.kind.charge_refused:
                self.level = max(0.0, self.level - amount)
            return wait
        self.level -= amount
        return 0.0

    def advance(self, now: float) -> None:
        """Refill the bucket, and let the other client take its share."""
        rate, step = self.limit / MINUTE, 0.05
        while self.at < now - 1e-12:
            then = min(now, (math.floor(self.at / step + 1e-9) + 1) * step)
            self._refill(then, rate)
            if self.kind.foreign_from <= then < self.kind.foreign_until:
                wanted = self.kind.foreign_share * rate * (then - self.at) + self.foreign
                taken = min(wanted, max(0.0, self.level))
                self.level -= taken
                self.foreign = min(wanted - taken, rate)
            self.at = then

    def _refill(self, then: float, rate: float) -> None:
        if self.kind.fixed_minutes:
            if int(then / MINUTE) != int(self.at / MINUTE):
                self.level = self.limit
            return
        elapsed = then - self.at
        if self.kind.steps:
            elapsed = float(int(then + 1e-9) - int(self.at + 1e-9))
        self.level = min(self.size, self.level + elapsed * rate)

    def shown(self, now: float, chance: Random) -> tuple[float | None, float | None]:
        """The limit and the remaining amount in the headers of an answer."""
        left = max(0.0, self.level)
        self.history.append((now, left))
        while len(self.history) > 1 and self.history[1][0] <= now - 5:
            self.history.popleft()
        limit, remaining = HEADERS[self.kind.headers](self, left, chance)
        return limit, remaining


HEADERS: dict[str, Callable[[Server, float, Random], tuple[float | None, float | None]]] = {
    "true": lambda server, left, _: (server.limit, left),
    "none": lambda *_: (None, None),
    "no_limit": lambda _, left, __: (None, left),
    "only_limit": lambda server, *_: (server.limit, None),
    "stale": lambda server, *_: (server.limit, server.history[0][1]),
    "low": lambda server, left, _: (server.limit, max(0.0, left - 0.3 * server.size)),
    "half": lambda server, left, _: (server.limit, left / 2),
    "zero": lambda server, *_: (server.limit, 0.0),
    "high": lambda server, *_: (server.limit * 2, server.limit * 2),
}
"""The limit and the remaining amount that answers show."""


@dataclass(frozen=True, slots=True)
class Result:
    """The part of the free quota that was used, and the share of requests that were refused."""

    used: float
    refused: float


@dataclass(slots=True)
class _Clients:
    """Clients that always have a next request, or wait for the answer to one."""

    server: Server
    meter: TokenBucket
    chance: Random
    amounts: tuple[float, ...]
    free: int
    warm_up: float
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    again: deque[float] = field(default_factory=deque)
    """Amounts that were refused."""
    arrivals: list[tuple[float, int, float, float]] = field(default_factory=list)
    answers: list[tuple[float, int, float, float, tuple[float | None, float | None]]] = field(
        default_factory=list
    )
    used: float = 0.0
    refused: int = 0
    requests: int = 0

    def send(self, amount: float, now: float) -> None:
        """Let a request go; it arrives, and is answered, later."""
        number = next(self.numbers)
        self.meter.take(number, amount, now)
        took = self.server.kind.latency * self.chance.lognormvariate(0, 0.3)
        heapq.heappush(self.arrivals, (now + took * 0.2, number, amount, took * 0.8))
        self.free -= 1

    def next_amount(self) -> float:
        """What is sent next: what was refused goes first."""
        return self.again.popleft() if self.again else self.chance.choice(self.amounts)

    def arrive(self) -> None:
        """Let the provider see the request that arrives next."""
        at, number, amount, rest = heapq.heappop(self.arrivals)
        told = self.server.admit(amount, at)
        if at >= self.warm_up:
            self.requests += 1
            self.refused += told > 0
            self.used += amount if told <= 0 else 0.0
        shown = self.server.shown(at, self.chance)
        heapq.heappush(self.answers, (at + rest, number, amount, told, shown))

    def hear(self) -> None:
        """Take the answer that comes next."""
        at, number, amount, told, (limit, remaining) = heapq.heappop(self.answers)
        self.free += 1
        if told > 0:
            self.meter.refused(number, at, by_this_limit=True)
            self.meter.pause(told if self.server.kind.retry_after else 1.0, at)
            self.again.append(amount)
        else:
            self.meter.granted(number, at)
        self.meter.believe(limit=limit, remaining=remaining, amount=0.0 if told else amount, now=at)


def simulate(
    kind: Kind,
    *,
    limit: float = 1_000_000,
    amounts: tuple[float, ...] = (2_048.0,),
    at_once: int = 32,
    warm_up: float = 60.0,
    seconds: float = 300.0,
    seed: int = 1,
) -> Result:
    """Let clients that always have a next request use a provider.

    Args:
        kind: The provider.
        limit: Tokens a minute.
        amounts: Tokens of a request, each as often as the others.
        at_once: Requests that may be under way.
        warm_up: Seconds before anything is counted.
        seconds: Seconds after that.
        seed: Of the times that answers take.
    """
    server, now, end = Server(kind, limit), 0.0, warm_up + seconds
    server.level = limit if kind.fixed_minutes else server.size
    meter, chance = TokenBucket(limit, 0.0), Random(seed)
    clients = _Clients(server, meter, chance, amounts, at_once, warm_up)
    amount = clients.next_amount()
    while now < end:
        wait = meter.wait_for(amount, now) if clients.free else math.inf
        if wait <= 0:
            clients.send(amount, now)
            amount = clients.next_amount()
            continue
        events = [heap[0][0] for heap in (clients.arrivals, clients.answers) if heap]
        now = max(now, min([now + wait, *events]))
        while clients.arrivals and clients.arrivals[0][0] <= now:
            clients.arrive()
        while clients.answers and clients.answers[0][0] <= now:
            clients.hear()
    taken = max(0.0, min(kind.foreign_until, end) - max(kind.foreign_from, warm_up))
    free = limit / MINUTE * (seconds - kind.foreign_share * taken)
    return Result(clients.used / free, clients.refused / max(1, clients.requests))
