"""How chunks are embedded, whichever embedder is used."""

from pydantic import BaseModel, Field


class EmbeddingSettings(BaseModel):
    """The size of embedding batches, and how many run at the same time."""

    embed_concurrency: int = Field(
        4, ge=1, le=256, description="Batches that one embed actor processes at the same time."
    )
    batch_items: int = Field(
        2048, ge=1, le=2048, description="Most chunks in one embedding batch (the API's limit)."
    )
    batch_tokens: int = Field(
        300_000, ge=8191, description="Most tokens in one embedding batch (the API's limit)."
    )
