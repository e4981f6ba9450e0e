"""The variables that each provider has, read by the name of the provider."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from ingest.domain.provider_specs import EmbedderSpec, ProviderSpec


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """What the variables INGEST_<PROVIDER>_… say that each provider has."""

    api_keys: SecretStr | None
    api_key_file: Path | None
    base_url: str | None
    timeout_seconds: float
    requests_per_minute: float
    """That each key allows."""
    tokens_per_minute: float | None
    """None: the provider does not count tokens. Each embedder has such a limit."""
    model: str | None
    """The embedding model; None for a parser."""

    @classmethod
    def read(cls, settings: object, spec: ProviderSpec) -> Self:
        """Read the variables; a specification without them is a mistake in the code."""

        def of(name: str) -> Any:
            return getattr(settings, f"{spec.name}_{name}")

        embeds = isinstance(spec, EmbedderSpec)
        return cls(
            api_keys=of("api_keys"),
            api_key_file=of("api_key_file"),
            base_url=of("base_url"),
            timeout_seconds=of("timeout_seconds"),
            requests_per_minute=of("requests_per_minute"),
            tokens_per_minute=of("tokens_per_minute") if embeds else None,
            model=of("model") if embeds else None,
        )


@dataclass(frozen=True, slots=True)
class BatchAccess:
    """What the variables INGEST_<PROVIDER>_BATCH_… say."""

    texts: int
    """Most texts in a batch."""
    queue_tokens: int
    """Most tokens of a model at the provider at a time."""
    quiet: timedelta
    poll: timedelta

    @classmethod
    def read(cls, settings: object, spec: EmbedderSpec) -> Self:
        """Read the variables; a specification without them is a mistake in the code."""

        def of(name: str) -> Any:
            return getattr(settings, f"{spec.name}_batch_{name}")

        return cls(
            texts=of("texts"),
            queue_tokens=of("queue_tokens"),
            quiet=timedelta(seconds=of("quiet_seconds")),
            poll=timedelta(seconds=of("poll_seconds")),
        )
