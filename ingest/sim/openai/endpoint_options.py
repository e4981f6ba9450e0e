"""How the endpoint behaves when nothing is wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """Limits, times and refusals."""

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
    batch_seconds: float = 2.0
    """From a batch's creation to its end, if nothing keeps it."""
    batch_window: float = 86_400.0
    """Seconds after which what is not done of a batch expires."""
    batch_queue_tokens: float = 3_000_000
    """Most tokens of a model's batches that are not over."""
    batch_error_rate: float = 0.0
    """Share of a batch's requests that fail with a server error."""
