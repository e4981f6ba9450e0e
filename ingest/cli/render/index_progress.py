"""Shows the progress of the build of an index."""

import asyncio
from collections.abc import Coroutine

from ingest.adapters.postgres.search.index_store import IndexBuildProgress, IndexStore
from ingest.cli.output import say

_POLL_SECONDS = 5.0


async def show_while(indexes: IndexStore, build: Coroutine[None, None, None]) -> None:
    """Run a build to its end, and print its progress whenever it has changed."""
    building, said = asyncio.create_task(build), None
    try:
        while not (await asyncio.wait([building], timeout=_POLL_SECONDS))[0]:
            progress = await indexes.progress()
            if progress is not None and progress != said:
                say(_line(progress))
                said = progress
    finally:
        building.cancel()
    await building


def _line(progress: IndexBuildProgress) -> str:
    if not progress.total:
        return progress.phase
    return f"{progress.phase}: {progress.done / progress.total:.0%} of {progress.total:,}"
