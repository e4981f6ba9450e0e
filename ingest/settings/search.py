"""How chunks are searched."""

from pydantic import BaseModel, Field

from ingest.domain.exact_search import EXACT_MS


class SearchSettings(BaseModel):
    """Where vectors are compared one by one."""

    exact_search_ms: float = Field(
        EXACT_MS,
        ge=0,
        le=10_000,
        description="Search compares with every vector of the tenant, or of the documents that it "
        "asks for, if that takes at most about this many milliseconds; above that, it uses the "
        "vector index. 30 ms are about 17,000 vectors of 256 dimensions, or 5,600 of 1,536.",
    )
