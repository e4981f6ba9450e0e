"""When a stream counts as alive; the one rule for whoever asks."""

from datetime import timedelta

HEARTBEAT = timedelta(seconds=2)
"""Between two heartbeats of a stream."""
RENEWALS_PER_LEASE = 4
"""A lease is renewed after a quarter of its length: three renewals may fail before it ends."""
SILENT_AFTER = 5 * HEARTBEAT
"""A stream without a heartbeat for this long is taken for dead.

Five heartbeats: a busy machine or a failover of the database delays one or two of them, and a
stream that is taken for dead too early costs repeated work. Longer would leave the jobs of a dead
stream where they are for longer, and nobody would be told.
"""


def is_alive(silent_seconds: float) -> bool:
    """Whether a stream whose last heartbeat is this old is taken for alive.

    Args:
        silent_seconds: Since the heartbeat, by the database's clock.
    """
    return silent_seconds <= SILENT_AFTER.total_seconds()
