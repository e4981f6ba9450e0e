"""Measures what vector search finds, and searches more carefully where it misses too much."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

import structlog

from ingest.domain.search_recall import EF_STEPS, Case, Measurement

log = structlog.get_logger(module=__name__)
INTERVAL = 60.0
"""Seconds. A tenant that was not measured yet is searched exactly, and slowly, until its first
measurement; a run that finds nothing due costs two small statements."""
EVERY = timedelta(hours=1)
"""From one measurement of a tenant to its next: an index changes with what is loaded, and an hour
of loading changes a large one little."""
AT_ONCE = 20
"""Tenants of one run; each asks up to 50 questions, which takes seconds."""


class AsksQuestions(Protocol):
    """A tenant's questions, whose exact answers are known."""

    @property
    def questions(self) -> int:
        """How many."""
        ...

    async def measure(self, ef_search: int) -> Measurement:
        """What the index finds with this many candidates."""
        ...


class MeasuresRecall(Protocol):
    """Where the questions and the measurements are."""

    async def due(self, *, every: timedelta, limit: int) -> Sequence[Case]:
        """Tenants with questions that were not measured for so long."""
        ...

    async def begin(self, case: Case) -> AsksQuestions | None:
        """Ask exactly; None where there is nothing to measure."""
        ...

    async def save(self, case: Case, measurement: Measurement) -> None:
        """Search the tenant so from now on."""
        ...

    async def prune(self) -> int:
        """Remove questions that are not needed any more."""
        ...


class MeasureRecall:
    """Asks sampled questions by the index and exactly, for tenants whose search uses an index.

    Raises the number of candidates step by step until the index finds enough, and keeps it for the
    tenant. Where no number is enough, the tenant is searched exactly, or the log warns. If it never
    ran, search would miss chunks and nobody would know. Survives a database that is away.
    """

    name = "measure_recall"
    failed = "recall not measured"

    def __init__(self, store: MeasuresRecall, *, interval: float = INTERVAL) -> None:
        """Measure with the questions of this store."""
        self.interval = interval
        self._store = store

    async def run_once(self) -> None:
        """Measure what is due; see ``Duty``."""
        await self._store.prune()
        for case in await self._store.due(every=EVERY, limit=AT_ONCE):
            trial = await self._store.begin(case)
            if trial is not None and trial.questions:
                await self._measure(case, trial)

    async def _measure(self, case: Case, trial: AsksQuestions) -> None:
        best: Measurement | None = None
        for step in EF_STEPS:
            tried = await trial.measure(step)
            if best is None or tried.recall > best.recall:
                best = tried
            if not tried.misses_too_much:
                break
        if best is None:
            return
        await self._store.save(case, best)
        tell = log.warning if best.falls_short else log.info
        tell(
            "search misses chunks; build the index again with a larger --ef-construction"
            if best.falls_short
            else "recall measured",
            tenant_id=case.tenant_id,
            model=case.model.label,
            recall=round(best.recall, 3),
            ef_search=best.ef_search,
            is_exact=best.is_exact,
        )
