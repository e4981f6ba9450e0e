"""The list of providers: what each of them does, takes, allows and charges.

Everything that depends on a provider asks its specification here: settings, prices, quotas, pauses,
estimates, checks. The values are pure, so that nobody loads an SDK to ask. The services themselves
need settings and an SDK; ``ingest.wiring.provider_services`` makes them.

CONTRIBUTING.md, "Add a provider", names the files of a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from ingest.domain.embedding_model import EmbeddingModel
from ingest.domain.media_type import PICTURES, MediaType
from ingest.domain.pricing import CREDIT, Price, batched


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """What all providers have."""

    name: str
    """In the ledger, quotas and pauses, and in its settings: ``INGEST_<NAME>_…``."""
    title: str
    """As the provider writes its name."""
    prices: tuple[Price, ...]
    """Known prices; INGEST_PRICES overrides them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchApi:
    """An API for files of texts, which are embedded within a day at a lower price."""

    max_file_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderSpec(ProviderSpec):
    """A provider that turns texts into vectors."""

    models: Mapping[str, EmbeddingModel]
    """By the name that the provider's API takes."""
    max_text_tokens: int
    """Of one text; above it the API refuses the request."""
    batch_api: BatchApi | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserSpec(ProviderSpec):
    """A provider that turns files into text."""

    reads: frozenset[MediaType]
    """Of the media types that the system takes."""
    credits_per_page: Mapping[str, int]
    """By tier, from the cheapest to the best."""


def _models(*models: EmbeddingModel) -> Mapping[str, EmbeddingModel]:
    return MappingProxyType({model.name: model for model in models})


_SMALL = EmbeddingModel("text-embedding-3-small", "1", 1536)
_LARGE = EmbeddingModel("text-embedding-3-large", "1", 3072)

OPENAI = EmbedderSpec(
    name="openai",
    title="OpenAI",
    models=_models(_SMALL, _LARGE),
    max_text_tokens=8191,
    # 200 MB are allowed, and the documentation does not say whether MB are decimal or binary.
    batch_api=BatchApi(max_file_bytes=190_000_000),
    prices=(  # developers.openai.com, pages of the models
        Price("openai", _SMALL.name, date(2024, 1, 25), Decimal("0.02")),
        Price("openai", _LARGE.name, date(2024, 1, 25), Decimal("0.13")),
        Price("openai", "text-embedding-ada-002", date(2023, 6, 13), Decimal("0.10")),
        Price("openai", batched(_SMALL.name), date(2024, 4, 15), Decimal("0.01")),
        Price("openai", batched(_LARGE.name), date(2024, 4, 15), Decimal("0.065")),
    ),
)

LLAMAPARSE = ParserSpec(
    name="llamaparse",
    title="LlamaParse",
    reads=frozenset(
        {MediaType.PDF, MediaType.DOCX, MediaType.PPTX, MediaType.XLSX}
        | {MediaType.HTML, MediaType.MARKDOWN, MediaType.TEXT, MediaType.EPUB}
        | PICTURES
    ),
    # LlamaCloud's billing page: credits of each tier, and $1.25 for 1,000 credits.
    credits_per_page=MappingProxyType(
        {"fast": 1, "cost_effective": 3, "agentic": 10, "agentic_plus": 45}
    ),
    prices=(Price("llamaparse", CREDIT, date(2025, 1, 1), Decimal("0.00125")),),
)

SPECS: tuple[ProviderSpec, ...] = (OPENAI, LLAMAPARSE)
"""All providers; of several parsers, the first one is that of INGEST_PARSER=auto."""


def names() -> tuple[str, ...]:
    """Names of all providers."""
    return tuple(spec.name for spec in SPECS)


def builtin_prices() -> tuple[Price, ...]:
    """The prices of all providers, without those of INGEST_PRICES."""
    return tuple(price for spec in SPECS for price in spec.prices)


def embedders() -> dict[str, EmbedderSpec]:
    """The providers that embed, by name."""
    return {spec.name: spec for spec in SPECS if isinstance(spec, EmbedderSpec)}


def parsers() -> dict[str, ParserSpec]:
    """The providers that parse, by name."""
    return {spec.name: spec for spec in SPECS if isinstance(spec, ParserSpec)}


def embedder_of(model: str) -> EmbedderSpec | None:
    """The provider that has a model of this name; None for the local model and unknown ones."""
    return next((spec for spec in embedders().values() if model in spec.models), None)
