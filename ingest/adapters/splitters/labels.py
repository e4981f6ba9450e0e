"""What splitters are called: known without loading their libraries, which takes 0.3 seconds."""

CL100K = "cl100k"
"""Vocabulary of OpenAI's models for embedding."""


def structure_label(*, max_tokens: int, overlap_tokens: int, vocabulary: str = CL100K) -> str:
    """Name, version and settings of ``StructureSplitter``; part of a chunk's id.

    Versions also stand for what is embedded. Since 2: what ``ingest.domain.embedded_text`` says;
    since 3: what ``ingest.domain.openings`` says, in the context.
    """
    return f"structure/3:{vocabulary}:{max_tokens}+{overlap_tokens}"
