"""Providers: their services, keys, quotas and prices, from the settings."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from ingest.adapters.auth.provider_keys import Keys
from ingest.adapters.embedders.openai.terms import MODELS as OPENAI_MODELS
from ingest.adapters.embedders.wordllama import MODEL as LOCAL_MODEL
from ingest.app.providers.rate_limiter import Quota
from ingest.app.providers.remote_parser import Terms
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import ConfigurationError
from ingest.domain.identity import sha256_hex
from ingest.domain.job import Degraded
from ingest.domain.plain_words import did_you_mean
from ingest.domain.pricing import PRICES, Price
from ingest.ports.providers import EmbeddingService
from ingest.settings import Settings
from ingest.settings.providers import EmbedderKind, Fallback, ParserKind, Tier

if TYPE_CHECKING:
    from ingest.adapters.parsers.llamaparse.service import LlamaParse

WEBHOOK_PATH = "/v1/webhooks/llamaparse"
"""Where LlamaParse tells of parses; a word that only it knows follows."""


def embedding_model(settings: Settings) -> EmbeddingModel:
    """The vector space of new chunks, where no other one serves their tenant.

    Raises:
        ConfigurationError: the database does not know the model.
    """
    if settings.embedder is EmbedderKind.LOCAL:
        return LOCAL_MODEL
    return _openai_model("INGEST_OPENAI_MODEL", settings.openai_model)


def embedding_models(settings: Settings) -> dict[str, EmbeddingModel]:
    """Every vector space that may serve a tenant, by its label: ``embedding_model`` first.

    Raises:
        ConfigurationError: the database does not know one of the models.
    """
    models = [embedding_model(settings)]
    if settings.next_model == EmbedderKind.LOCAL:
        models.append(LOCAL_MODEL)
    elif settings.next_model is not None:
        models.append(_openai_model("INGEST_NEXT_MODEL", settings.next_model))
    return {model.label: model for model in models}


def _openai_model(setting: str, name: str) -> EmbeddingModel:
    if name not in OPENAI_MODELS:
        raise ConfigurationError(
            f"{setting} is {name!r}; it must be {' or '.join(OPENAI_MODELS)}"
            f"{did_you_mean(name, OPENAI_MODELS)}"
        )
    return OPENAI_MODELS[name]


def make_llamaparse(settings: Settings) -> "LlamaParse":
    """LlamaParse's service, without quota and ledger."""
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


def parse_terms(settings: Settings) -> Terms:
    """On which terms documents are handed over to LlamaParse."""
    tiers = list(Tier)
    wanted = tiers.index(settings.llamaparse_tier)
    url = settings.llamaparse_webhook_url
    version = settings.llamaparse_version
    if settings.llamaparse_options:
        options = json.dumps(settings.llamaparse_options, sort_keys=True)
        version += f"+{sha256_hex(options.encode())[:8]}"
    return Terms(
        provider="llamaparse",
        tiers=tiers[wanted : wanted + 1 + settings.llamaparse_escalate],
        version=version,
        only_scanned=settings.parser is ParserKind.AUTO,
        deadline=timedelta(seconds=settings.llamaparse_deadline_seconds),
        poll=timedelta(seconds=settings.llamaparse_poll_seconds),
        webhook_url=f"{url.rstrip('/')}{WEBHOOK_PATH}" if url else None,
    )


def make_openai(settings: Settings, model: EmbeddingModel | None = None) -> EmbeddingService:
    """OpenAI's endpoint, without quota and ledger; for the settings' model or another one."""
    from ingest.adapters.embedders.openai.embedding import OpenAIEmbedding

    return OpenAIEmbedding(
        model or embedding_model(settings),
        base_url=settings.openai_base_url,
        timeout_seconds=settings.openai_timeout_seconds,
        connections=settings.embed_concurrency,
    )


def openai_keys(settings: Settings) -> Keys:
    """OpenAI's keys."""
    given = settings.openai_api_keys
    return Keys(given.get_secret_value() if given else "", settings.openai_api_key_file)


def llamaparse_keys(settings: Settings) -> Keys:
    """LlamaParse's keys."""
    given = settings.llamaparse_api_keys
    return Keys(given.get_secret_value() if given else "", settings.llamaparse_api_key_file)


def prices(settings: Settings) -> tuple[Price, ...]:
    """All known prices; those that are set come last, and of equal dates they count."""
    own = tuple(Price(p.provider, p.model, p.since, p.usd) for p in settings.prices)
    replaced = {(price.provider, price.model, price.since) for price in own}
    kept = (p for p in PRICES if (p.provider, p.model, p.since) not in replaced)
    return (*kept, *own)


def quotas(settings: Settings) -> dict[str, Quota]:
    """What each key of each provider allows, less what is kept in hand; a request at the least."""
    share = settings.quota_share
    return {
        "openai": Quota(
            max(1.0, share * settings.openai_requests_per_minute),
            share * settings.openai_tokens_per_minute,
        ),
        "llamaparse": Quota(max(1.0, share * settings.llamaparse_requests_per_minute), None),
    }


def provided(settings: Settings) -> dict[Degraded, str]:
    """What providers do, and which."""
    parts = {}
    if settings.parser is not ParserKind.LOCAL:
        parts[Degraded.PARSER] = "llamaparse"
    if settings.calls_openai:
        parts[Degraded.EMBEDDER] = "openai"
    return parts


def may_fall_back(settings: Settings) -> bool:
    """Whether documents are made searchable without a provider that is away."""
    return settings.fallback is Fallback.DEGRADE
