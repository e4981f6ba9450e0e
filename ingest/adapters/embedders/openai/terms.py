"""Models and limits of OpenAI, for code that does not import the SDK."""

from ingest.domain.embedding import EmbeddingModel

MODELS = {
    "text-embedding-3-small": EmbeddingModel("text-embedding-3-small", "1", 1536),
    "text-embedding-3-large": EmbeddingModel("text-embedding-3-large", "1", 3072),
}
"""The supported models, by name."""
MAX_TEXT_TOKENS = 8191
"""Most tokens of one text; above it the API answers 400."""
MAX_FILE_BYTES = 190_000_000
"""Most bytes of a batch's file. OpenAI allows 200 MB; the margin covers both readings of MB."""
