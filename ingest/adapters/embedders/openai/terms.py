"""What OpenAI has and allows, for those who do without its SDK."""

from ingest.domain.embedding import EmbeddingModel

MODELS = {
    "text-embedding-3-small": EmbeddingModel("text-embedding-3-small", "1", 1536),
    "text-embedding-3-large": EmbeddingModel("text-embedding-3-large", "1", 3072),
}
"""Vector spaces that the database knows."""
MAX_TEXT_TOKENS = 8191
"""Of one text; above it the API answers 400."""
MAX_FILE_BYTES = 190_000_000
"""Of one batch's file: 200 MB are allowed; a limit that may be binary or decimal is not tried."""
