"""Enforces the minimum rate of an upload."""

import asyncio
from collections.abc import AsyncIterator

from ingest.domain.errors import UploadTooSlow


class PacedBody:
    """A request body that must keep a minimum average rate since it began.

    One bound covers a client that stops and a client that is too slow: after the grace time, the
    number of received bytes must be at least the rate times the seconds since then.
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
        """Return the next part.

        Raises:
            UploadTooSlow: the part did not arrive in time.
        """
        try:
            async with asyncio.timeout_at(self._deadline):
                part = await anext(self._body)
        except TimeoutError as exc:
            raise UploadTooSlow(
                f"the upload arrives at less than {self._pace} bytes a second, the limit"
            ) from exc
        # Each part buys the time that it may take at the minimum rate; this bounds the average.
        self._deadline += len(part) / self._pace
        return part
