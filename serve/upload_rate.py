"""How slowly a body may arrive."""

import asyncio
from collections.abc import AsyncIterator

from ingest.domain.errors import UploadTooSlow


class PacedBody:
    """A body that must keep a pace, on the average since it began.

    One bound for a client that stops and for one that trickles: after the grace, what has
    arrived must be at least the pace times the seconds since.
    """

    def __init__(
        self, body: AsyncIterator[bytes], *, grace_seconds: float, bytes_per_second: int
    ) -> None:
        self._body = body
        self._pace = bytes_per_second
        self._deadline = asyncio.get_running_loop().time() + grace_seconds

    def __aiter__(self) -> "PacedBody":
        return self

    async def __anext__(self) -> bytes:
        """The next part.

        Raises:
            UploadTooSlow: it did not come in time.
        """
        try:
            async with asyncio.timeout_at(self._deadline):
                part = await anext(self._body)
        except TimeoutError as exc:
            raise UploadTooSlow(
                f"the upload arrives at less than {self._pace} bytes a second, the limit"
            ) from exc
        self._deadline += len(part) / self._pace
        return part
