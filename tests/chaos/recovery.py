"""How long it took after each fault until documents flowed again."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from tests.chaos.evidence import Blow
from tests.chaos.feed import Upload

EVENTS = "SELECT job_id, from_state, state, at FROM upload_pipeline.events ORDER BY event_id"
NO_FAULT = "nothing"
FINAL = {"done", "deadletter", "cancelled"}


@dataclass
class Recovery:
    """Seconds from the end of each fault of one kind; a kill ends at once."""

    kind: str
    faults: int = 0
    hits: int = 0
    """Faults that found something to hit."""
    accepted: list[float] = field(default_factory=list)
    """Until the first upload was accepted that was sent after it."""
    published: list[float] = field(default_factory=list)
    """Until the first document was searchable that was claimed after it."""
    finished: list[float] = field(default_factory=list)
    """Until each job ended that was under way when it struck."""


@dataclass(frozen=True, slots=True)
class _Life:
    claims: list[datetime]
    ends: list[tuple[str, datetime]]
    """States other than working, and when."""

    def held(self, at: datetime) -> bool:
        """Whether it was under lease."""
        claimed = max((claim for claim in self.claims if claim <= at), default=None)
        return claimed is not None and not any(claimed <= end <= at for _, end in self.ends)

    def over(self) -> tuple[str, datetime] | None:
        """How and when it ended."""
        return next(((state, at) for state, at in self.ends if state in FINAL), None)


def measure(url: str, blows: Sequence[Blow], uploads: Sequence[Upload]) -> dict[str, Recovery]:
    """The recovery from each fault that hit something, by kind."""
    lives = _lives(url)
    found: dict[str, Recovery] = {}
    for blow in blows:
        entry = found.setdefault(blow.kind, Recovery(blow.kind))
        entry.faults += 1
        if not blow.victims and blow.kind != NO_FAULT:
            continue
        entry.hits += 1
        since = blow.ended.timestamp()
        answers = [u.accepted_at - since for u in uploads if u.sent_at >= since]
        entry.accepted += [min(answers)] if answers else []
        done = [
            at
            for life in lives.values()
            if (end := life.over()) is not None
            for state, at in [end]
            if state == "done" and max(c for c in life.claims if c <= at) > blow.ended
        ]
        entry.published += [(min(done) - blow.ended).total_seconds()] if done else []
        for life in lives.values():
            if life.held(blow.began) and (end := life.over()) is not None:
                entry.finished.append(max(0.0, (end[1] - blow.ended).total_seconds()))
    return found


def _lives(url: str) -> dict[UUID, _Life]:
    lives: dict[UUID, _Life] = defaultdict(lambda: _Life([], []))
    with psycopg.connect(url) as connection:
        rows: list[Any] = connection.execute(EVENTS.encode()).fetchall()
    for job_id, before, state, at in rows:
        if state == "working" != before:
            lives[job_id].claims.append(at)
        elif state not in ("working", before):
            lives[job_id].ends.append((state, at))
    return lives
