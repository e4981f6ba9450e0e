"""What a process remembers of tenants for a while."""

import time
from typing import Generic, TypeVar
from uuid import UUID

T = TypeVar("T")
_MOST = 10_000
"""Tenants; then the one that was noted first is forgotten."""


class TenantMemory(Generic[T]):
    """One value for each tenant."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[T, float]] = {}

    def get(self, tenant_id: UUID) -> T | None:
        """What was noted; None: nothing, or too long ago."""
        known = self._known.get(tenant_id)
        return known[0] if known is not None and time.monotonic() < known[1] else None

    def put(self, tenant_id: UUID, value: T, *, seconds: float) -> None:
        """Note it for a number of seconds."""
        self._known.pop(tenant_id, None)
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[tenant_id] = (value, time.monotonic() + seconds)
