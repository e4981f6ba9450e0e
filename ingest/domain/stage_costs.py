"""The cost of each stage, measured on two cores of a shared machine."""

from collections.abc import Mapping

from ingest.domain.capacity import Cost, Work

PROVIDER: Mapping[Work, Cost] = {
    Work.CLAIM: Cost(0.0002, 0.0, 0.0001),
    Work.PARSE: Cost(0.0026, 0.0001, 0.0002),
    Work.CHUNK: Cost(0.0005, 0.00047, 0.0003),
    Work.EMBED: Cost(0.0005, 0.00009, 0.0076),
    Work.DATABASE: Cost(0.0007, 0.0029, 0.0025),
    Work.RAY: Cost(0.0011, 0.00013, 0.0024),
}
"""Measured by ``benchmarks.capacity`` with Markdown, vectors of 1,536 numbers from a provider, and
an HNSW index of half precision over about ten thousand vectors. Its cost grows logarithmically."""
LOCAL: Mapping[Work, Cost] = {
    **PROVIDER,
    Work.EMBED: Cost(0.0005, 0.0008, 0.0076),
    Work.DATABASE: Cost(0.0007, 0.0015, 0.0025),
}
"""Costs with the local embedder, whose vectors have 256 numbers; derived from the CPU shares
in ``benchmarks.throughput``."""
MINILM: Mapping[Work, Cost] = {**LOCAL, Work.EMBED: Cost(0.0005, 0.1, 0.0076)}
"""Costs with the local model minilm, which needs 0.2 ms for a word piece; a chunk has about 500."""
