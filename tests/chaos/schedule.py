"""Which fault strikes when: a schedule that follows from its seed alone."""

import random
from dataclasses import dataclass

KILLED_ACTORS = {
    "parse actor": "ParseActor",
    "chunk actor": "ChunkActor",
    "embed actor": "EmbedActor",
    "claim source": "ReadClaim",
    "supervisor": "_Supervisor",
    "limiter": "_RateLimiterActor",
    "gateway replica": "ServeReplica",
    "gateway proxy": "ProxyActor",
}
"""What is killed by SIGKILL, and what the command line of its process holds."""
PAUSED_ACTORS = {
    "parse actor paused": "ParseActor",
    "chunk actor paused": "ChunkActor",
    "embed actor paused": "EmbedActor",
}
"""Stopped together with the claim source, which keeps the leases alive, until they are lost."""
SECONDS = {
    **dict.fromkeys(KILLED_ACTORS, 0.0),
    **dict.fromkeys(PAUSED_ACTORS, 9.0),
    "worker node": 3.0,
    "PostgreSQL": 3.0,
    "PostgreSQL backend": 0.0,
    "OpenAI away": 5.0,
    "OpenAI restarted": 3.0,
    "LlamaParse away": 5.0,
    "LlamaParse hangs": 5.0,
    "blob storage away": 4.0,
    "disk full": 4.0,
    "nothing": 0.0,
}
"""Every kind of fault, and about how long it lasts; nothing is what the others compare with."""
NEEDS_MOUNT = "disk full"
TAIL_SECONDS = 10.0
"""In which the last fault shows how it is recovered from."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    at: float
    """Seconds since the feed began."""
    kind: str
    dice: int
    """Chooses among several victims."""


def schedule(
    seed: int, *, seconds: float, kinds: list[str], pause: tuple[float, float]
) -> list[Fault]:
    """Rounds of all kinds, each in another order, until the time is over.

    Args:
        seed: Equal seeds give equal schedules.
        seconds: The last fault is over by then, and ``TAIL_SECONDS`` before.
        kinds: Which kinds.
        pause: Least and most seconds between the end of one fault and the next.
    """
    dice = random.Random(f"schedule/{seed}")
    faults: list[Fault] = []
    now = 0.0
    while True:
        for kind in dice.sample(kinds, len(kinds)):
            now += dice.uniform(*pause)
            if now + SECONDS[kind] > seconds - TAIL_SECONDS:
                return faults
            faults.append(Fault(round(now, 2), kind, dice.randrange(1000)))
            now += SECONDS[kind]
