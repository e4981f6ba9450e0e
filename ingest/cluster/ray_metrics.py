"""Counters and histograms of the stages, exported by Ray's own agent with the prefix ``ray_``."""

from collections.abc import Sequence

from ray.util.metrics import Counter, Histogram

from ingest.domain.job import JobState
from ingest.domain.parse_warning import ParseWarning
from ingest.domain.stage import Stage

_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]


class StageMetrics:
    """What one actor measures; Prometheus adds up the actors."""

    def __init__(self) -> None:
        self._seconds = Histogram(
            "ingest_stage_seconds",
            description="Time of one document in a stage; at embedding, of one batch.",
            boundaries=_SECONDS,
            tag_keys=("stage",),
        )
        self._warned = Counter(
            "ingest_documents_with_warnings", description="Parsed documents with a warning."
        )
        self._warnings = Counter(
            "ingest_parse_warnings",
            description="Warnings about parsed documents, by code.",
            tag_keys=("code",),
        )
        self._chunks = Counter("ingest_chunks_stored", description="Chunks made durable.")
        self._tokens = Counter("ingest_tokens_embedded", description="Tokens of stored chunks.")
        self._documents = Counter(
            "ingest_documents_published", description="Generations made searchable."
        )
        self._failures = Counter(
            "ingest_attempts_failed",
            description="Attempts that did not publish, by stage, error code and new state.",
            tag_keys=("stage", "code", "state"),
        )

    def took(self, stage: Stage, seconds: float) -> None:
        """One document, or batch, went through a stage."""
        self._seconds.observe(seconds, tags={"stage": stage})

    def warned(self, warnings: Sequence[ParseWarning]) -> None:
        """One document was parsed, with these warnings, or none."""
        if warnings:
            self._warned.inc(1)
        for warning in warnings:
            self._warnings.inc(1, tags={"code": warning.code})

    def stored(self, *, chunks: int, tokens: int, documents: int) -> None:
        """Chunks became durable, and documents were published with them."""
        for counter, count in (
            (self._chunks, chunks),
            (self._tokens, tokens),
            (self._documents, documents),
        ):
            if count:
                counter.inc(count)

    def failed(self, stage: str, code: str, state: JobState) -> None:
        """An attempt ended without publishing."""
        self._failures.inc(1, tags={"stage": stage, "code": code, "state": state})
