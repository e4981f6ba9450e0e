"""OpenAI's embeddings, through the official SDK."""

from ingest.adapters.openai.embedding import OpenAIEmbedding

__all__ = ["OpenAIEmbedding"]
