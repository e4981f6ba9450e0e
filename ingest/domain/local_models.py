"""The list of local models: what INGEST_LOCAL_MODEL may name, and what each of them can take.

The values are pure, so that nobody loads a model to ask; ``ingest.wiring.local_embedders`` makes
the embedders.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ingest.domain.embedding_model import EmbeddingModel


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A model that runs in the processes of this system and costs nothing."""

    name: str
    """In the settings."""
    model: EmbeddingModel
    max_text_tokens: int | None
    """Tokens of the model's own tokenizer that it reads at once, without those that it adds around
    a text; None: any number. A longer text is read in parts, and its vector is their mean, which
    says less about each of them."""
    batch_tokens: int | None = None
    """Most tokens of cl100k_base in one batch, so that a batch of a slow model ends within
    seconds; None: as INGEST_BATCH_TOKENS says."""
    latin_only: bool = False
    """Whether it knows no other script than the Latin one: of a question in another script its
    vectors say nothing."""
    extra: str | None = None
    """Which extra of the package installs what the model needs; None: it is always there."""


WORDLLAMA = LocalModel(
    name="wordllama",
    model=EmbeddingModel("wordllama-l2-supercat", "1", 256),
    max_text_tokens=None,
)
MINILM = LocalModel(
    name="minilm",
    model=EmbeddingModel("all-minilm-l6-v2", "1", 384),
    max_text_tokens=254,
    batch_tokens=16_384,
    latin_only=True,
    extra="minilm",
)

LOCAL_MODELS: Mapping[str, LocalModel] = MappingProxyType(
    {local.name: local for local in (WORDLLAMA, MINILM)}
)
"""By name; the first one is the default."""


def local_model_of(model: EmbeddingModel) -> LocalModel | None:
    """The local model of a vector space; None for the space of a provider."""
    return next((local for local in LOCAL_MODELS.values() if local.model == model), None)
