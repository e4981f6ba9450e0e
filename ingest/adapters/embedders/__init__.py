"""Embedders: OpenAI, and the local model."""
