"""What each stage costs, measured on two cores of a shared machine."""

from collections.abc import Mapping

from ingest.domain.capacity import Cost, Work

OPENAI: Mapping[Work, Cost] = {
    Work.CLAIM: Cost(0.0002, 0.0, 0.0005),
    Work.PARSE: Cost(0.0022, 0.00014, 0.0013),
    Work.CHUNK: Cost(0.0002, 0.0009, 0.0014),
    Work.EMBED: Cost(0.0003, 0.00013, 0.008),
    Work.DATABASE: Cost(0.0001, 0.003, 0.0027),
    Work.RAY: Cost(0.0008, 0.0002, 0.0034),
}
"""By ``benchmarks.capacity``: Markdown, vectors of 1,536 numbers from a provider, and an HNSW index
of half-precision numbers over some ten thousand of them, whose cost grows with the logarithm."""
LOCAL: Mapping[Work, Cost] = {
    **OPENAI,
    Work.EMBED: Cost(0.0003, 0.0008, 0.008),
    Work.DATABASE: Cost(0.0001, 0.0015, 0.0027),
}
"""With the embedder that runs in the actors, and its vectors of 256 numbers: by the shares of CPU
time in ``benchmarks.throughput``."""
