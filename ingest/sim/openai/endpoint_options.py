"""The options of simulated OpenAI without faults."""

from dataclasses import dataclass, field

from ingest.sim.openai.rate_limits import QuotaOptions


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """Limits, latencies and refusals of the endpoint."""

    keys: frozenset[str] = frozenset()
    rpm: float = 3000
    tpm: float = 1_000_000
    quota: QuotaOptions = field(default_factory=QuotaOptions)
    retry_after: bool = True
    latency: float = 0.0
    """Mean latency of an answer in seconds."""
    latency_sigma: float = 0.0
    """Sigma of the log-normal distribution of the latency."""
    poison: str | None = None
    poison_named: str | None = None
    batch_seconds: float = 2.0
    """Seconds from the creation of a batch to its end."""
    batch_window: float = 86_400.0
    """Seconds after which the unfinished requests of a batch expire."""
    batch_queue_tokens: float = 3_000_000
    """Most tokens in unfinished batches of a model."""
    batch_error_rate: float = 0.0
    """Share of a batch's requests that fail with a server error."""
