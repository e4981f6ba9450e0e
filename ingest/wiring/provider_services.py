"""The services of providers, made from the settings; each provider has one entry.

They are made here and not by their specifications, because a service needs settings, which the
domain and the adapters do not know, and an SDK. An SDK takes a second to load, so each function
imports its own only when it is called.
"""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ingest.app.providers.remote_parser import Terms
from ingest.domain.embedding_model import EmbeddingModel
from ingest.domain.identity import sha256_hex
from ingest.domain.provider import ProviderKey
from ingest.domain.provider_specs import LLAMAPARSE, OPENAI
from ingest.ports.providers import BatchService, EmbeddingService, ParseService
from ingest.settings import Settings
from ingest.settings.providers.llamaparse import Tier

if TYPE_CHECKING:
    from ingest.adapters.parsers.llamaparse.service import LlamaParse

WEBHOOK_PATH = f"/v1/webhooks/{LLAMAPARSE.name}"
"""Where LlamaParse tells of parses; a word that only it knows follows."""


@dataclass(frozen=True, slots=True)
class EmbedderServices:
    """What an embedding provider has; neither part has quota or ledger."""

    make: Callable[[Settings, EmbeddingModel], EmbeddingService]
    make_batches: Callable[[Settings], BatchService] | None = None
    """For a specification with a batch API."""


@dataclass(frozen=True, slots=True)
class ParserServices:
    """What a parsing provider has; the service has neither quota nor ledger."""

    make: Callable[[Settings], ParseService]
    terms: Callable[[Settings], Terms]
    """On which terms documents are submitted."""
    check: Callable[[Settings, ProviderKey], Coroutine[Any, Any, None]]
    """Asks with a key for something that costs nothing; CallFailed says what is wrong."""


def _make_openai(settings: Settings, model: EmbeddingModel) -> EmbeddingService:
    from ingest.adapters.embedders.openai.embedding import OpenAIEmbedding

    return OpenAIEmbedding(
        model,
        base_url=settings.openai_base_url,
        timeout_seconds=settings.openai_timeout_seconds,
        connections=settings.embed_concurrency,
    )


def _make_openai_batches(settings: Settings) -> BatchService:
    from ingest.adapters.embedders.openai.batch_api import OpenAIBatches

    return OpenAIBatches(base_url=settings.openai_base_url)


def _make_llamaparse(settings: Settings) -> "LlamaParse":
    from ingest.adapters.parsers.llamaparse.service import LlamaParse

    secret = settings.llamaparse_webhook_secret
    return LlamaParse(
        version=settings.llamaparse_version,
        options=settings.llamaparse_options,
        base_url=settings.llamaparse_base_url,
        timeout_seconds=settings.llamaparse_timeout_seconds,
        webhook_secret=secret.get_secret_value() if secret else None,
        max_pages=settings.max_pages,
        max_text_chars=settings.max_text_chars,
    )


def _llamaparse_terms(settings: Settings) -> Terms:
    tiers = list(Tier)
    wanted = tiers.index(settings.llamaparse_tier)
    url = settings.llamaparse_webhook_url
    version = settings.llamaparse_version
    if settings.llamaparse_options:
        options = json.dumps(settings.llamaparse_options, sort_keys=True)
        version += f"+{sha256_hex(options.encode())[:8]}"
    return Terms(
        provider=LLAMAPARSE.name,
        tiers=tiers[wanted : wanted + 1 + settings.llamaparse_escalate],
        version=version,
        only_scanned=settings.parses_only_scanned,
        deadline=timedelta(seconds=settings.llamaparse_deadline_seconds),
        poll=timedelta(seconds=settings.llamaparse_poll_seconds),
        webhook_url=f"{url.rstrip('/')}{WEBHOOK_PATH}" if url else None,
    )


async def _check_llamaparse(settings: Settings, key: ProviderKey) -> None:
    service = _make_llamaparse(settings)
    try:
        await service.check(key=key)
    finally:
        await service.close()


EMBEDDERS = {OPENAI.name: EmbedderServices(_make_openai, _make_openai_batches)}
PARSERS = {LLAMAPARSE.name: ParserServices(_make_llamaparse, _llamaparse_terms, _check_llamaparse)}
