"""Measures how often the common terms of each tenant occur."""

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from ingest.adapters.postgres.search.term_store import TermStore

log = structlog.get_logger(module=__name__)
INTERVAL = 120.0
"""Seconds. A tenant is measured again when a quarter of its chunks is new: most runs do nothing."""


class MeasureTerms:
    """Samples tenants that grew.

    If it never ran, searches of large tenants would count common terms each time, which is slow,
    and weigh them too high.
    """

    name = "measure_terms"
    failed = "terms not measured"

    def __init__(self, terms: "TermStore", *, interval: float = INTERVAL) -> None:
        self.interval = interval
        self._terms = terms

    async def run_once(self) -> None:
        """Measure every tenant whose statistics do not fit any more; see ``Duty``."""
        for space in await self._terms.to_measure():
            await self._terms.measure(space)
            log.info("terms measured", tenant_id=space.tenant_id, chunks=space.chunks)
