"""The two limits of an OpenAI-compatible provider: how they are counted, and what headers show.

OpenAI's waiting times in messages fit a continuous bucket of a minute. Other providers, and
gateways before them, hold fewer seconds, fill the bucket once a second, or limit each second.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MODEL = "text-embedding-3-small"
MINUTE = 60.0
STALE_SECONDS = 5.0
"""Age of the values in stale headers."""


@dataclass(frozen=True, slots=True)
class QuotaOptions:
    """How a limit is counted and shown."""

    bucket_seconds: float = MINUTE
    """Seconds of the rate that a bucket holds."""
    steps: bool = False
    """Whether a bucket is filled once a second, instead of all the time."""
    windows: bool = False
    """Whether each second of the clock has its own limit as well."""
    headers: str = "true"
    """One of HEADERS."""
    foreign_share: float = 0.0
    """Share of each limit that another client of the key takes, at an even pace."""
    charge_refused: bool = False
    """Whether refused requests count, too."""


@dataclass(slots=True)
class Bucket:
    """A limit per minute; 1/60 of it returns each second."""

    limit: float
    options: QuotaOptions
    level: float
    at: float
    _window: int = 0
    _in_window: float = 0.0
    _shown: deque[tuple[float, float]] = field(default_factory=deque)
    """Earlier levels, for stale headers."""

    @property
    def size(self) -> float:
        """Most that the bucket holds."""
        return self.limit / MINUTE * self.options.bucket_seconds

    def refill(self, now: float) -> None:
        """Update the level to a time; the other client takes its share first."""
        elapsed = now - self.at
        gained = math.floor(now) - math.floor(self.at) if self.options.steps else elapsed
        rate = self.limit / MINUTE
        taken = elapsed * rate * self.options.foreign_share
        self.level = max(0.0, min(self.size, self.level + gained * rate) - taken)
        self.at = now
        if self._window != math.floor(now):
            self._window, self._in_window = math.floor(now), 0.0
        self._shown.append((now, self.level))
        while len(self._shown) > 1 and self._shown[1][0] <= now - STALE_SECONDS:
            self._shown.popleft()

    @property
    def used(self) -> int:
        """The used amount, as error messages show it."""
        return math.ceil(self.size - self.level)

    @property
    def earlier(self) -> float:
        """The level of some seconds ago."""
        return self._shown[0][1] if self._shown else self.level

    def wait(self, amount: float) -> float:
        """Seconds until the amount fits."""
        wait = max(0.0, (amount - self.level) * MINUTE / self.limit)
        rate = self.limit / MINUTE
        if self.options.windows and self._in_window and self._in_window + amount > rate:
            wait = max(wait, self._window + 1.0 - self.at)
        return wait

    def take(self, amount: float) -> None:
        """Count an amount."""
        self.level = max(0.0, self.level - amount)
        self._in_window += amount


Shown = tuple[float | None, float | None]
HEADERS: dict[str, Callable[[Bucket], Shown]] = {
    "true": lambda bucket: (bucket.limit, bucket.level),
    "none": lambda _: (None, None),
    "partial": lambda bucket: (None, bucket.level),
    "limit": lambda bucket: (bucket.limit, None),
    "stale": lambda bucket: (bucket.limit, bucket.earlier),
    "low": lambda bucket: (bucket.limit, bucket.level / 2),
    "zero": lambda bucket: (bucket.limit, 0.0),
    "high": lambda bucket: (2 * bucket.limit, 2 * bucket.limit),
}
"""The limit and the remaining amount that headers show."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The limit that refused a request, and the time to wait."""

    name: str
    """The limit: requests or tokens."""
    message: str
    wait: float
    for_ever: bool = False


class Account:
    """The limits of one key and model."""

    def __init__(self, rpm: float, tpm: float, now: float, options: QuotaOptions) -> None:
        self._options = options
        self.requests = _full(rpm, now, options)
        self.tokens = _full(tpm, now, options)

    def admit(self, tokens: int, now: float) -> Refusal | None:
        """Admit a request with a number of tokens, or return the refusal."""
        self.requests.refill(now)
        self.tokens.refill(now)
        if tokens > self.tokens.size:
            message = (
                f"Request too large for {MODEL} in organization org-simulated on tokens per min "
                f"(TPM): Limit {self.tokens.size:.0f}, Requested {tokens}. The input or output "
                "tokens must be reduced in order to run successfully."
            )
            return Refusal("tokens", message, 0.0, for_ever=True)
        for name, bucket, amount, unit in (
            ("requests", self.requests, 1, "requests per min (RPM)"),
            ("tokens", self.tokens, tokens, "tokens per min (TPM)"),
        ):
            if (wait := bucket.wait(amount)) > 0:
                message = (
                    f"Rate limit reached for {MODEL} in organization org-simulated on {unit}: "
                    f"Limit {bucket.limit:.0f}, Used {bucket.used}, Requested {amount}. Please "
                    f"try again in {duration(wait)}. Visit "
                    "https://platform.openai.com/account/rate-limits to learn more."
                )
                if self._options.charge_refused:
                    self.requests.take(1)
                    self.tokens.take(tokens)
                return Refusal(name, message, wait)
        self.requests.take(1)
        self.tokens.take(tokens)
        return None

    def headers(self) -> dict[str, str]:
        """The headers of every answer; reset is the time until a bucket is full."""
        found = {}
        for name, bucket in (("requests", self.requests), ("tokens", self.tokens)):
            limit, left = HEADERS[self._options.headers](bucket)
            if limit is not None:
                found[f"x-ratelimit-limit-{name}"] = f"{limit:.0f}"
            if left is not None:
                found[f"x-ratelimit-remaining-{name}"] = f"{math.floor(left):d}"
                full = (bucket.size - left) * MINUTE / bucket.limit
                found[f"x-ratelimit-reset-{name}"] = duration(full)
        return found


def _full(limit: float, now: float, options: QuotaOptions) -> Bucket:
    bucket = Bucket(limit, options, 0.0, now)
    bucket.level = max(1.0, bucket.size)
    return bucket


def duration(seconds: float) -> str:
    """Format a duration as Go does: 12ms, 1.5s, 6m0s."""
    if seconds <= 0:
        return "0s"
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds < 60:
        return f"{math.ceil(seconds * 1000) / 1000:g}s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}m{math.ceil(rest * 1000) / 1000:g}s"
