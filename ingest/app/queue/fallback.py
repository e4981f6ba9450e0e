"""Doing without a provider that is away: who falls back and when, with what, and until when.

* When: with ``INGEST_FALLBACK=degrade``, the attempt of an upload that finds its provider away
  (``ProviderPaused``) ends with a mark on the job, which goes back to the queue (``part_of``).
* With what: ``ClaimedJob.parses_by_fallback`` and ``embeds_by_fallback`` read the mark. By them the
  parse stage picks the fallback parser, the chunk stage the fallback's store of chunks, and the
  embedding pool the local embedder. A mark stays on its job, so no document is made by both means.
* Until when: the document is published as degraded. When the provider is back, a job of cause
  ``upgrade`` makes its next generation (``app/maintenance/upgrade_degraded.py``). Such a job waits
  for its provider: the document is searchable meanwhile, so it does not fall back again.
"""

from ingest.domain.errors import IngestError, ProviderPaused
from ingest.domain.job import Cause, ClaimedJob, Degraded
from ingest.domain.stage import Stage

_PARTS = {Stage.PARSING: Degraded.PARSER, Stage.EMBEDDING: Degraded.EMBEDDER}


def part_of(job: ClaimedJob, error: IngestError, *, stage: Stage) -> Degraded | None:
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
