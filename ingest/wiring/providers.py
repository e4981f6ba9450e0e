"""Providers: their models, keys, quotas and prices, from the settings and the specifications."""

from datetime import UTC, datetime
from decimal import Decimal

from ingest.adapters.auth.provider_keys import Keys
from ingest.app.providers.rate_limiter import Quota
from ingest.app.providers.remote_parser import Terms
from ingest.domain import provider_specs
from ingest.domain.embedding_model import EmbeddingModel
from ingest.domain.errors import ConfigurationError
from ingest.domain.job import Degraded
from ingest.domain.local_models import LOCAL_MODELS, LocalModel, local_model_of
from ingest.domain.plain_words import did_you_mean
from ingest.domain.pricing import Price, unit_price
from ingest.domain.provider_specs import EmbedderSpec, ParserSpec, ProviderSpec
from ingest.ports.providers import EmbeddingService, ParseService
from ingest.settings import Settings
from ingest.settings.providers.choice import LOCAL, Fallback
from ingest.wiring import provider_services
from ingest.wiring.local_embedders import local_model
from ingest.wiring.provider_services import WEBHOOK_PATH as WEBHOOK_PATH


def embedding_model(settings: Settings) -> EmbeddingModel:
    """The vector space of new chunks, where no other one serves their tenant.

    Raises:
        ConfigurationError: the provider's specification does not have the model.
    """
    spec = settings.embedding_provider
    if spec is None:
        return local_model(settings).model
    setting, name = f"INGEST_{spec.name.upper()}_MODEL", settings.of(spec).model
    return _known_model(setting, name or "", dict(spec.models))


def embedding_models(settings: Settings) -> dict[str, EmbeddingModel]:
    """Every vector space that may serve a tenant, by its label: ``embedding_model`` first.

    Raises:
        ConfigurationError: no specification has one of the models.
    """
    models = [embedding_model(settings)]
    if settings.next_model is not None:
        known = {
            name: model
            for spec in provider_specs.embedders().values()
            for name, model in spec.models.items()
        }
        known |= {local.name: local.model for local in LOCAL_MODELS.values()}
        known[LOCAL] = local_model(settings).model
        models.append(_known_model("INGEST_NEXT_MODEL", settings.next_model, known))
    return {model.label: model for model in models}


def local_models(settings: Settings) -> list[LocalModel]:
    """Every local model that may embed: of a space that may serve, or while a provider is away.

    Raises:
        ConfigurationError: no specification has a model of the settings.
    """
    used = [local_model_of(model) for model in embedding_models(settings).values()]
    if may_fall_back(settings) and Degraded.EMBEDDER in provided(settings):
        used.append(local_model(settings))
    return list(dict.fromkeys(local for local in used if local is not None))


def _known_model(setting: str, name: str, known: dict[str, EmbeddingModel]) -> EmbeddingModel:
    if name not in known:
        raise ConfigurationError(
            f"{setting} is {name!r}; it must be {' or '.join(known)}{did_you_mean(name, known)}"
        )
    return known[name]


def provider_of(model: EmbeddingModel) -> EmbedderSpec | None:
    """The provider that has a model; None for a local one."""
    return provider_specs.embedder_of(model.name)


def make_embedding_service(settings: Settings, model: EmbeddingModel) -> EmbeddingService:
    """The endpoint of the provider that has a model, without quota and ledger.

    Raises:
        ConfigurationError: no provider has it.
    """
    spec = provider_of(model)
    if spec is None:
        raise ConfigurationError(f"no provider has the model {model.name}")
    return provider_services.EMBEDDERS[spec.name].make(settings, model)


def make_parse_service(settings: Settings, spec: ParserSpec) -> ParseService:
    """The endpoint of a parsing provider, without quota and ledger."""
    return provider_services.PARSERS[spec.name].make(settings)


def parse_terms(settings: Settings, spec: ParserSpec) -> Terms:
    """On which terms documents are submitted to a provider."""
    return provider_services.PARSERS[spec.name].terms(settings)


def provider_keys(settings: Settings, spec: ProviderSpec) -> Keys:
    """The keys of a provider."""
    access = settings.of(spec)
    given = access.api_keys.get_secret_value() if access.api_keys else ""
    return Keys(given, access.api_key_file)


def prices(settings: Settings) -> tuple[Price, ...]:
    """All known prices; those that are set come last, and of equal dates they count."""
    own = tuple(Price(p.provider, p.model, p.since, p.usd) for p in settings.prices)
    replaced = {(price.provider, price.model, price.since) for price in own}
    kept = (
        p for p in provider_specs.builtin_prices() if (p.provider, p.model, p.since) not in replaced
    )
    return (*kept, *own)


def price_today(settings: Settings, spec: ProviderSpec, model: str) -> Decimal:
    """What a unit of a model costs today, in US dollars: a million tokens, or a credit.

    Raises:
        ConfigurationError: no price is known.
    """
    return unit_price(prices(settings), spec.name, model, datetime.now(UTC).date())


def quotas(settings: Settings) -> dict[str, Quota]:
    """What each key of each provider allows, less what is kept in hand; a request at the least."""
    share = settings.quota_share
    found = {}
    for spec in provider_specs.SPECS:
        access = settings.of(spec)
        tokens = access.tokens_per_minute
        found[spec.name] = Quota(
            max(1.0, share * access.requests_per_minute), None if tokens is None else share * tokens
        )
    return found


def provided(settings: Settings) -> dict[Degraded, str]:
    """What providers do, and which."""
    parts = {}
    if settings.parsing_provider is not None:
        parts[Degraded.PARSER] = settings.parsing_provider.name
    if settings.embedding_providers:
        parts[Degraded.EMBEDDER] = settings.embedding_providers[0].name
    return parts


def may_fall_back(settings: Settings) -> bool:
    """Whether documents are made searchable without a provider that is away."""
    return settings.fallback is Fallback.DEGRADE
