"""Money that was set aside for calls of which nothing is heard counts as spent."""

from collections.abc import Awaitable, Callable

INTERVAL = 5.0
"""Seconds. A reservation lasts minutes, so nothing is decided by a few seconds more; they only
show in a budget that is full."""


class ExpireReservations:
    """Ends reservations whose caller died before it said what the call cost.

    If it never ran, their money would stay set aside: the call would never show up as paid, and
    the ledger would never be settled. Survives a database that is away.
    """

    name = "expire_reservations"
    failed = "reservations not expired"

    def __init__(
        self, expire: Callable[[], Awaitable[object]], *, interval: float = INTERVAL
    ) -> None:
        """Let ``expire`` end those that are over."""
        self.interval = interval
        self._expire = expire

    async def run_once(self) -> None:
        """End all that are over; see ``Duty``."""
        await self._expire()
