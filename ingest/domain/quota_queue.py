"""A queue that is fair: weighted between classes, equal between the tenants of a class."""

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ingest.domain.job import Lane

T = TypeVar("T")

WEIGHTS: dict[Lane, float] = {Lane.INTERACTIVE: 9.0, Lane.BACKFILL: 1.0, Lane.BATCH: 1.0}
"""Shares of the quota while several lanes wait; a lane that waits alone gets all."""


@dataclass(slots=True)
class _Flow(Generic[T]):
    served: float = 0.0
    """Served cost divided by weight; of the waiting flows, the one with the least is next."""
    items: deque[tuple[float, T]] = field(default_factory=deque)


class QuotaQueue(Generic[T]):
    """A queue of items with costs; first come, first served within a tenant."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, dict[str, _Flow[T]]] = {lane: {} for lane in Lane}
        self._lane_served: dict[Lane, float] = dict.fromkeys(Lane, 0.0)

    def __len__(self) -> int:
        return sum(len(flow.items) for flows in self._lanes.values() for flow in flows.values())

    def push(self, item: T, *, lane: Lane, tenant: str, cost: float) -> None:
        """Add an item; a new tenant starts level with the others, without credit from the past."""
        flows = self._lanes[lane]
        if not flows:
            waiting = [self._lane_served[other] for other in Lane if self._lanes[other]]
            self._lane_served[lane] = max([self._lane_served[lane], *waiting[:1]])
        if tenant not in flows:
            least = min((flow.served for flow in flows.values()), default=0.0)
            flows[tenant] = _Flow(least)
        flows[tenant].items.append((cost, item))

    def peek(self, *lanes: Lane) -> T | None:
        """Return the next item of these lanes, or of all, without removing it."""
        place = self._next(lanes or tuple(Lane))
        return None if place is None else self._lanes[place[0]][place[1]].items[0][1]

    def pop(self, *lanes: Lane) -> T | None:
        """Remove the next item; its cost is charged to its tenant and its class."""
        place = self._next(lanes or tuple(Lane))
        if place is None:
            return None
        lane, tenant = place
        flow = self._lanes[lane][tenant]
        cost, item = flow.items.popleft()
        flow.served += cost
        self._lane_served[lane] += cost / WEIGHTS[lane]
        if not flow.items:
            del self._lanes[lane][tenant]
        return item

    def discard(self, item: T) -> None:
        """Remove an item whose caller gave up."""
        for flows in self._lanes.values():
            for tenant, flow in list(flows.items()):
                flow.items = deque(entry for entry in flow.items if entry[1] is not item)
                if not flow.items:
                    del flows[tenant]

    def _next(self, lanes: tuple[Lane, ...]) -> tuple[Lane, str] | None:
        waiting = [lane for lane in lanes if self._lanes[lane]]
        if not waiting:
            return None
        lane = min(waiting, key=lambda candidate: self._lane_served[candidate])
        flows = self._lanes[lane]
        return lane, min(flows, key=lambda tenant: flows[tenant].served)
