"""What splitters are called: known without loading their libraries, which takes 0.3 seconds."""

CL100K = "cl100k"
"""Vocabulary of OpenAI's models for embedding."""


def structure_label(*, max_tokens: int, overlap_tokens: int, vocabulary: str = CL100K) -> str:
    """Name, version and settings of ``StructureSplitter``; part of a chunk's id.

    Version 2 also stands for what is embedded: see ``ingest.domain.embedded_text``.
    """
    return f"structure/2:{vocabulary}:{max_tokens}+{overlap_tokens}"
