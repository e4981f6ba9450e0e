"""Duties that leave a row with every step, and a process that does one; run as a script."""

import asyncio
import json
import sys

from ingest import logs
from ingest.adapters.postgres.jobs.maintenance_store import LeasedDatabase, MaintenanceStore
from ingest.adapters.postgres.pool import Database
from ingest.app.maintenance.runner import MaintenanceRunner

STEPS = "CREATE TABLE public.steps (duty text, holder text, at timestamptz)"
STEP = "INSERT INTO public.steps VALUES ($1, $2, clock_timestamp())"


class Recorded:
    """A duty of so many steps, of which each is one write under the lease."""

    failed = "steps failed"

    def __init__(
        self, database: Database, holder: str, *, name: str, interval: float, steps: int = 1
    ) -> None:
        self.name = name
        self.interval = interval
        self._leased = LeasedDatabase(database)
        self._holder = holder
        self._steps = steps

    async def run_once(self) -> None:
        for _ in range(self._steps):
            async with self._leased.connection() as connection:
                await connection.execute(STEP, self.name, self._holder)
            await asyncio.sleep(0.02)


async def work(url: str, holder: str, *, pooler: bool) -> None:
    """Do one long duty for ever."""
    database = Database(url, pooler=pooler)
    runner = MaintenanceRunner(MaintenanceStore(database), holder=holder)
    runner.start([Recorded(database, holder, name="long", interval=0.1, steps=1_000_000)])
    await asyncio.Event().wait()


if __name__ == "__main__":
    logs.configure()
    asyncio.run(work(sys.argv[1], sys.argv[2], pooler=json.loads(sys.argv[3])))
