"""Reads what searchers could see, and who holds which lease, many times a second during a run."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

_PAUSE_SECONDS = 0.05
_ALL_EVERY = 40
"""Samples between two that look at every document, not only at those that may change."""
VISIBLE = """
    SELECT
        d.document_id, d.live_generation, d.chunk_count, count(c.chunk_id),
        count(DISTINCT c.chunk_ord), coalesce(min(c.chunk_ord), 0), coalesce(max(c.chunk_ord), -1),
        md5(string_agg(encode(c.chunk_sha, 'hex'), ',' ORDER BY c.chunk_ord))
    FROM upload_pipeline.documents AS d
    LEFT JOIN upload_pipeline.document_chunks AS c
        ON c.document_id = d.document_id AND c.generation <= d.live_generation
    WHERE d.live_generation > 0 AND (
        %s OR d.published_at > now() - interval '10 seconds' OR EXISTS (
            SELECT 1 FROM upload_pipeline.upload_jobs AS j
            WHERE j.document_id = d.document_id AND j.finished_at IS NULL
        )
    )
    GROUP BY d.document_id
"""
HELD = "SELECT job_id, lease_token FROM upload_pipeline.upload_jobs WHERE state = 'working'"


@dataclass
class Sampler:
    """Samples until it is stopped; what it cannot read, because the server is down, it skips."""

    url: str
    samples: int = 0
    views: int = 0
    """Documents looked at, over all samples."""
    seen: set[tuple[UUID, int, str]] = field(default_factory=set)
    """Document, generation, and the digest of its visible chunks' digests in order."""
    partial: set[str] = field(default_factory=set)
    """Documents that were not whole."""
    leases: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    """Lease tokens under which each job was held."""
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=3) as connection:
                    while not self._over.wait(_PAUSE_SECONDS):
                        self._look(connection)
            except psycopg.Error:
                time.sleep(_PAUSE_SECONDS)

    def _look(self, connection: psycopg.Connection[Any]) -> None:
        everything = self.samples % _ALL_EVERY == 0
        for row in connection.execute(VISIBLE.encode(), [everything]).fetchall():
            document_id, generation, said, rows, places, first, last, digest = row
            self.views += 1
            self.seen.add((document_id, generation, digest or ""))
            if not (rows == places == said and first == 0 and last == said - 1):
                self.partial.add(
                    f"{document_id} generation {generation}: {said} chunks published, {rows} "
                    f"visible at {places} places from {first} to {last}"
                )
        for job_id, token in connection.execute(HELD.encode()).fetchall():
            self.leases[job_id].add(token)
        self.samples += 1
