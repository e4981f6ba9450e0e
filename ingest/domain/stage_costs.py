"""What each stage costs, measured by ``benchmarks.capacity`` on two cores of a shared machine."""

from collections.abc import Mapping

from ingest.domain.capacity import Cost, Work

OPENAI: Mapping[Work, Cost] = {
    Work.CLAIM: Cost(0.002, 0.0, 0.0),
    Work.PARSE: Cost(0.004, 0.0005, 0.001),
    Work.CHUNK: Cost(0.003, 0.0005, 0.001),
    Work.EMBED: Cost(0.004, 0.001, 0.01),
    Work.DATABASE: Cost(0.004, 0.004, 0.01),
    Work.RAY: Cost(0.003, 0.0, 0.0),
}
"""With vectors of 1,536 numbers from a provider, and an HNSW index of half-precision numbers."""
LOCAL: Mapping[Work, Cost] = OPENAI
