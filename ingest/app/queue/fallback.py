"""Doing without a provider that is away: who falls back and when, with what, and until when.

* When: with ``INGEST_FALLBACK=degrade``, the attempt of an upload that finds its provider away
  (``ProviderPaused``) ends with a mark on the job, which goes back to the queue (``part_of``).
* With what: ``ClaimedJob.parses_by_fallback`` and ``embeds_by_fallback`` read the mark. By them the
  parse stage picks the fallback parser, the chunk stage the fallback's store of chunks, and the
  embedding pool the local embedder. A mark stays on its job, so no document is made by both means.
* Until when: the document is published as degraded. When the provider is back, a job of cause
  ``upgrade`` makes its next generation (``upgrade``). Such a job waits for its provider: the
  document is searchable meanwhile, so it does not fall back again.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from ingest.domain.errors import IngestError, ProviderPaused
from ingest.domain.job import Cause, ClaimedJob, Degraded

UPGRADES = 100
"""Most upgrades that are added at a time: uploads that come meanwhile find a short queue."""
_PARTS = {"parsing": Degraded.PARSER, "embedding": Degraded.EMBEDDER}


class MakesUpgrades(Protocol):
    """The queue, as far as upgrades need it."""

    async def upgrade(self, parts: Collection[Degraded], *, limit: int, probing: bool) -> int:
        """Have degraded documents made again whose providers are back; returns how many.

        Args:
            parts: What can be made as it was asked for.
            limit: Most documents.
            probing: Only find out whether a provider is back, when no other job would.
        """
        ...


def part_of(job: ClaimedJob, error: IngestError, *, stage: str) -> Degraded | None:
    """What a job whose attempt failed goes on without; None: it does not fall back.

    Args:
        job: The job.
        error: How its attempt failed.
        stage: Where.
    """
    if not isinstance(error, ProviderPaused) or job.cause is not Cause.UPLOAD:
        return None
    part = _PARTS.get(stage)
    return None if part in job.degraded else part


async def upgrade(
    jobs: MakesUpgrades, providers: Mapping[Degraded, str], away: Collection[str]
) -> None:
    """Add upgrades for documents whose providers are back.

    While one is away, one upgrade at a time finds out whether it is back, if no other job would.

    Args:
        jobs: The queue.
        providers: Who does which part, as the settings say.
        away: Providers of which no key works.

    Raises:
        StoreUnavailable: the next call adds them.
    """
    back = {part for part, provider in providers.items() if provider not in away}
    await jobs.upgrade(back, limit=UPGRADES, probing=False)
    if away:
        await jobs.upgrade(providers, limit=1, probing=True)
