"""Makes the terms of chunks that code from before lexical search has stored."""

import asyncio
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from ingest.adapters.postgres.search.term_store import TermStore

log = structlog.get_logger(module=__name__)
INTERVAL = 60.0
"""Seconds. There are such chunks after an upgrade alone, while the old code still runs."""
BATCH = 500
"""Chunks of one statement: about half a second of work."""
PAUSE_SECONDS = 0.1
"""Between two statements, so that documents go on being stored."""


class AddTerms:
    """Makes terms until none are missing.

    If it never ran, chunks from before the upgrade would be found by meaning alone.
    """

    name = "add_terms"
    failed = "terms not added"

    def __init__(self, terms: "TermStore", *, interval: float = INTERVAL) -> None:
        self.interval = interval
        self._terms = terms

    async def run_once(self) -> None:
        """Make all terms that are missing now; see ``Duty``."""
        total = 0
        while added := await self._terms.add_missing(limit=BATCH):
            total += added
            await asyncio.sleep(PAUSE_SECONDS)
        if total:
            log.info("terms added", chunks=total)
