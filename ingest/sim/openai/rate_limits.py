"""The two token buckets of OpenAI, rebuilt from the waiting times in its messages."""

import math
from dataclasses import dataclass

MODEL = "text-embedding-3-small"


@dataclass(slots=True)
class Bucket:
    """A continuous bucket: its capacity is the limit per minute; 1/60 of it returns each second."""

    limit: float
    level: float
    at: float

    def refill(self, now: float) -> None:
        """Update the level to a time."""
        self.level = min(self.limit, self.level + (now - self.at) * self.limit / 60)
        self.at = now

    @property
    def used(self) -> int:
        """The used amount, as error messages show it."""
        return math.ceil(self.limit - self.level)

    def wait(self, amount: float) -> float:
        """Seconds until the amount fits."""
        return max(0.0, (amount - self.level) * 60 / self.limit)


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

    def __init__(self, rpm: float, tpm: float, now: float, *, charge_refused: bool) -> None:
        self.requests = Bucket(rpm, rpm, now)
        self.tokens = Bucket(tpm, tpm, now)
        self._charge_refused = charge_refused

    def admit(self, tokens: int, now: float) -> Refusal | None:
        """Admit a request with a number of tokens, or return the refusal."""
        self.requests.refill(now)
        self.tokens.refill(now)
        if tokens > self.tokens.limit:
            message = (
                f"Request too large for {MODEL} in organization org-simulated on tokens per min "
                f"(TPM): Limit {self.tokens.limit:.0f}, Requested {tokens}. The input or output "
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
                if self._charge_refused:
                    self.requests.level = max(0.0, self.requests.level - 1)
                    self.tokens.level = max(0.0, self.tokens.level - tokens)
                return Refusal(name, message, wait)
        self.requests.level -= 1
        self.tokens.level -= tokens
        return None

    def headers(self) -> dict[str, str]:
        """The headers of every answer; reset is the time until a bucket is full."""
        found = {}
        for name, bucket in (("requests", self.requests), ("tokens", self.tokens)):
            found[f"x-ratelimit-limit-{name}"] = f"{bucket.limit:.0f}"
            found[f"x-ratelimit-remaining-{name}"] = f"{math.floor(bucket.level):d}"
            found[f"x-ratelimit-reset-{name}"] = duration(bucket.wait(bucket.limit))
        return found


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
