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
