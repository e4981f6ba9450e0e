"""What was made by fallback is made again once its provider is back, and not before."""

from collections.abc import Collection

import pytest

from ingest.app.maintenance.outages import Outages
from ingest.app.maintenance.upgrade_degraded import UpgradeDegraded
from ingest.app.providers.rate_limiter import LocalRateLimiter
from ingest.domain.job import Degraded

BOTH = {Degraded.PARSER: "llamaparse", Degraded.EMBEDDER: "openai"}


class Queue:
    """Keeps which upgrades were asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[set[Degraded], int, bool]] = []

    async def upgrade(self, parts: Collection[Degraded], *, limit: int, probing: bool) -> int:
        self.asked.append((set(parts), limit, probing))
        return 0


class Away(Outages):
    """Says that these providers are away."""

    def __init__(self, names: set[str]) -> None:
        super().__init__(LocalRateLimiter({}), BOTH)
        self._names = names

    async def away(self) -> set[str]:
        return self._names


@pytest.mark.parametrize(
    ("away", "asked"),
    [
        (set(), [(set(BOTH), 100, False)]),
        ({"openai"}, [({Degraded.PARSER}, 100, False), (set(BOTH), 1, True)]),
        ({"openai", "llamaparse"}, [(set(), 100, False), (set(BOTH), 1, True)]),
    ],
    ids=["both are back", "one is away", "both are away"],
)
async def test_parts_whose_provider_is_back_are_upgraded_and_one_job_probes_the_others(
    away: set[str], asked: list[tuple[set[Degraded], int, bool]]
) -> None:
    queue = Queue()

    await UpgradeDegraded(queue, Away(away), BOTH, cluster="test").run_once()

    assert queue.asked == asked
