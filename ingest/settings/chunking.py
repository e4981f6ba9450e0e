"""How documents are cut into chunks."""

from pydantic import BaseModel, Field


class ChunkingSettings(BaseModel):
    """The size of chunks, and their overlap."""

    chunk_tokens: int = Field(512, ge=16, le=8191, description="Most tokens in a chunk.")
    chunk_overlap_tokens: int = Field(
        64,
        ge=0,
        description="Tokens that a chunk shares with the previous one; at most half of "
        "CHUNK_TOKENS.",
    )
    max_document_tokens: int = Field(
        15_000_000,
        ge=1000,
        description="Most tokens in the chunks of one document; a longer one fails before it is "
        "embedded. 15,000,000 tokens are about 60 MB of English text.",
    )
