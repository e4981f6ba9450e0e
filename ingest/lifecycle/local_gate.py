"""The Gate port within one process, for programs that run no cluster."""

from collections.abc import Mapping

from ingest.domain.provider import KeyHealth, Need, Pass, Report
from ingest.lifecycle.gatehouse import Gatehouse, Quota


class LocalGate:
    """A gate that nobody else goes through."""

    def __init__(self, quotas: Mapping[str, Quota]) -> None:
        self._gatehouse = Gatehouse(quotas)

    async def enter(self, need: Need) -> Pass:
        """Wait for permission; see ``ports.providers.Gate``."""
        return await self._gatehouse.enter(need)

    async def leave(self, passed: Pass, report: Report) -> None:
        """Say how a call ended."""
        self._gatehouse.leave(passed, report)

    async def health(self) -> list[KeyHealth]:
        """How every key is."""
        return self._gatehouse.health()
