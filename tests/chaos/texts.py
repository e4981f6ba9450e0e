"""What became of each text of a tenant: who worked on it, when it was lost, when it was removed."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import psycopg

from tests.chaos.evidence import Evidence, Passage

COMMIT = timedelta(seconds=2)
"""Rows carry the time at which their transaction began; others see them when it ends."""
EVENTS = """
    SELECT j.job_id, j.document_id, j.tenant_id, j.generation, j.file_sha256,
        e.from_state, e.state, e.at
    FROM upload_pipeline.events AS e
    JOIN upload_pipeline.upload_jobs AS j USING (job_id) ORDER BY e.event_id
"""


@dataclass
class Life:
    """Of one text of one tenant."""

    lost: list[datetime] = field(default_factory=list)
    """When a job that has it lost its lease, and with it what was under way."""
    removed: list[datetime] = field(default_factory=list)
    """When a document that had it was published without it."""
    spans: dict[UUID, list[list[datetime]]] = field(default_factory=lambda: defaultdict(list))
    """From when to when each job that has it was worked on."""

    def __str__(self) -> str:
        spans = [
            f"{job_id} {' to '.join(f'{at:%X.%f}' for at in span)}"
            for job_id, spans in self.spans.items()
            for span in spans
        ]
        return (
            f"worked on by {', '.join(spans) or 'nobody'}; "
            f"lost {[f'{at:%X.%f}' for at in self.lost]}, removed {self.removed}"
        )

    def copied(self, kept: datetime, until: datetime) -> bool:
        """Whether another job with the same text was under way before it could be found."""
        if len(self.spans) < 2:
            return False
        return any(
            span[0] <= kept + COMMIT and (len(span) == 1 or span[1] >= until)
            for spans in self.spans.values()
            for span in spans
        )


def digest_of(passage: Passage) -> str:
    """SHA-256 of its text, in hex."""
    return sha256(passage.embedded_text.encode()).hexdigest()


def lives_of(
    connection: "psycopg.Connection[Any]", evidence: Evidence
) -> dict[tuple[UUID, str], Life]:
    """The life of each text, by tenant and digest."""
    texts = {
        content: frozenset(map(digest_of, passages))
        for content, passages in evidence.passages.items()
    }
    lives: dict[tuple[UUID, str], Life] = defaultdict(Life)
    served: dict[UUID, frozenset[str]] = {}
    for event in connection.execute(EVENTS.encode()).fetchall():
        own = texts.get(event["file_sha256"], frozenset())
        state, before, at = event["state"], event["from_state"], event["at"]
        if state == "done":
            for text in served.get(event["document_id"], frozenset()) - own:
                lives[event["tenant_id"], text].removed.append(at)
            served[event["document_id"]] = own
        for text in own:
            spans = lives[event["tenant_id"], text].spans[event["job_id"]]
            if state == "working" != before:
                spans.append([at])
            elif before == "working" != state:
                spans[-1].append(at)
                if state != "done":
                    lives[event["tenant_id"], text].lost.append(at)
    return lives
