"""The nine stages of a job and their order."""

from enum import StrEnum


class Stage(StrEnum):
    """The stages of a job, in order; a job only moves forward."""

    QUEUED = "queued"
    JOB_VALIDATED = "job_validated"
    PARSING = "parsing"
    PARSED = "parsed"
    PARSE_VALIDATED = "parse_validated"
    CHUNKING = "chunking"
    CHUNKS_BUFFERED = "chunks_buffered"
    EMBEDDING = "embedding"
    EMBEDDED = "embedded"

    @property
    def ordinal(self) -> int:
        """Position in the order, 0 (queued) to 8 (embedded)."""
        return _ORDINALS[self]


STAGES: tuple[Stage, ...] = tuple(Stage)
_ORDINALS = {stage: position for position, stage in enumerate(STAGES)}
