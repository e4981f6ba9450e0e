"""Embedding all documents with another model."""
