"""What every periodic duty has."""

from typing import Protocol


class Duty(Protocol):
    """Something that one process of the whole system does again and again.

    Doing it twice, or at the same time as another process, must be harmless: a lease keeps that
    rare, but cannot keep it from happening at an outside service.
    """

    @property
    def name(self) -> str:
        """Of its lease; the same in every process that can do it for the others."""
        ...

    @property
    def interval(self) -> float:
        """Seconds from the end of one run to the begin of the next."""
        ...

    @property
    def failed(self) -> str:
        """What the log says when a run failed."""
        ...

    async def run_once(self) -> None:
        """Do what is due now.

        Raises:
            LeaseLost: another process does it now; nothing was written since.
            StoreUnavailable: the next run does the rest.
        """
        ...
