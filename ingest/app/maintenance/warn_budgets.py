"""Budgets over their soft limit are told to the log."""

from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Protocol
from uuid import UUID

import structlog

from ingest.domain.pricing import Period, Purpose, first_day

log = structlog.get_logger(module=__name__)
INTERVAL = 5.0
"""Seconds. People act on it within minutes; it costs one small statement."""


class BudgetSeen(Protocol):
    """A budget, as far as a warning needs it."""

    @property
    def tenant_id(self) -> UUID:
        """Whose."""
        ...

    @property
    def purpose(self) -> Purpose:
        """For what."""
        ...

    @property
    def period(self) -> Period:
        """For how long it is."""
        ...

    @property
    def over_soft(self) -> bool:
        """Whether a warning is due."""
        ...


class ListsBudgets(Protocol):
    """The ledger, as far as warnings need it."""

    async def budgets(self) -> Collection[BudgetSeen]:
        """All budgets."""
        ...


class WarnBudgets:
    """Says once a period that a budget is over its soft limit.

    What was said is forgotten with the process: whoever takes the duty over says it once more. If
    it never ran, nobody would hear of a budget before its hard limit stops the work. Survives a
    database that is away.
    """

    name = "warn_budgets"
    failed = "budgets not checked"

    def __init__(self, ledger: ListsBudgets, *, interval: float = INTERVAL) -> None:
        """Check the budgets of this ledger."""
        self.interval = interval
        self._ledger = ledger
        self._warned: set[tuple[UUID, Purpose, Period, date]] = set()

    async def run_once(self) -> None:
        """Warn of those that are newly over; see ``Duty``."""
        today = datetime.now(UTC).date()
        over = {
            (budget.tenant_id, budget.purpose, budget.period, first_day(budget.period, today))
            for budget in await self._ledger.budgets()
            if budget.over_soft
        }
        for tenant_id, purpose, period, since in over - self._warned:
            log.warning(
                "budget is over its soft limit",
                tenant_id=tenant_id,
                purpose=purpose,
                period=period,
                day=since,
            )
        self._warned = over
