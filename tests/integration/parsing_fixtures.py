"""A parser and a collector over a simulated LlamaParse, with real database and blobs."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.simulator import Simulator
from ingest.adapters.auth.provider_keys import Keys
from ingest.adapters.parsers.llamaparse.service import LlamaParse
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.adapters.postgres.providers.parse_store import ParseStore
from ingest.adapters.storage.blob_store import open_blob_store
from ingest.app.providers.calls import ProviderCalls
from ingest.app.providers.parse_poller import ParsePoller
from ingest.app.providers.rate_limiter import LocalRateLimiter, Quota
from ingest.app.providers.remote_parser import RemoteParser, Terms
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import ParseUnderway
from ingest.domain.job import Lane
from ingest.domain.media_type import MediaType
from ingest.domain.pricing import Operation, Payer
from ingest.domain.provider_specs import builtin_prices
from tests import builders, samples

TERMS = Terms(
    provider="llamaparse",
    tiers=("cost_effective", "agentic"),
    version="latest",
    only_scanned=False,
    deadline=timedelta(minutes=5),
    poll=timedelta(),
    webhook_url=None,
)


class ParsingFixture:
    """What parses, and what collects."""

    def __init__(
        self,
        simulator: Simulator,
        database: Database,
        folder: Path,
        *,
        keys: str = "llx-a",
        timeout: float = 5,
        **terms: Any,
    ) -> None:
        self.database = database
        self.simulator = simulator
        self.ledger = LedgerStore(database)
        self.parses = ParseStore(database)
        self.blobs = open_blob_store(folder.as_uri())
        self.rate_limiter = LocalRateLimiter({"llamaparse": Quota(60_000, None)})
        self.keys = Keys(keys)
        self.tenant = uuid4()
        self.service = LlamaParse(
            version="latest",
            options={},
            base_url=simulator.url,
            timeout_seconds=timeout,
            webhook_secret=None,
            max_pages=1000,
            max_text_chars=5_000_000,
        )
        self.parser = RemoteParser(
            samples.local_parser(),
            self.service,
            ProviderCalls(
                "llamaparse", rate_limiter=self.rate_limiter, ledger=self.ledger, keys=self.keys
            ),
            parses=self.parses,
            blobs=self.blobs,
            prices=builtin_prices(),
            terms=replace(TERMS, **terms),
        )
        self.collector = ParsePoller(
            self.service,
            keys=self.keys,
            parses=self.parses,
            blobs=self.blobs,
            prices=builtin_prices(),
            poll=timedelta(),
        )

    async def parse(
        self,
        data: bytes,
        media_type: MediaType = MediaType.TEXT,
        *,
        tenant: Any = None,
        filename: str | None = None,
    ) -> ParsedDocument:
        """One attempt."""
        payer = Payer(tenant or self.tenant, Lane.INTERACTIVE, Operation.PARSE)
        name = filename or f"file.{media_type.name.lower()}"
        return await self.parser.parse(data, filename=name, media_type=media_type, payer=payer)

    async def through(self, data: bytes, media_type: MediaType = MediaType.TEXT) -> ParsedDocument:
        """Attempt after attempt, as waiting jobs are woken."""
        async with asyncio.timeout(30):
            while True:
                try:
                    return await self.parse(data, media_type)
                except ParseUnderway:
                    await self.settle_down()

    async def settle_down(self) -> None:
        """Collect until a parse is over."""
        async with asyncio.timeout(30):
            while not await self.collector.collect():  # noqa: ASYNC110 - that is what it is for
                await asyncio.sleep(0.02)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row."""
        query = f"SELECT * FROM upload_pipeline.{table}"
        return [dict(row) for row in await builders.fetch(self.database, query)]

    async def calls(self) -> list[tuple[str, int | None]]:
        """State and credits of every call in the ledger, as they were made."""
        rows = await self.rows("provider_calls")
        rows.sort(key=lambda row: row["reserved_at"])
        return [(row["state"], row["units"]) for row in rows]

    async def balanced(self) -> None:
        """The ledger has charged what the provider has, and nothing is left set aside."""
        calls = await self.calls()
        assert all(state != "reserved" for state, _ in calls)
        charged = sum(units or 0 for state, units in calls if state == "settled")
        assert charged == self.simulator.stats()["credits"]
        spending = await self.rows("spending")
        assert all(row["reserved_usd"] == 0 for row in spending)

    async def close(self) -> None:
        """Release everything."""
        await self.parser.close()
