"""A stream of a bulk lane, for as long as a backfill lasts."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

from ingest.cluster import shared_ray
from ingest.cluster.local_ray import LocalRay
from ingest.cluster.shared_ray import SharedRay
from ingest.domain.job import Lane
from ingest.settings import Settings

_WATCH_SECONDS = 1.0


@contextlib.contextmanager
def backfill_stream(
    settings: Settings,
    lane: Lane,
    *,
    run: str,
    stop: threading.Event,
    leave_now: threading.Event,
    report: Callable[[str], None],
) -> Iterator[None]:
    """Work on the lane until the block ends; then finish what is held, as settings allow.

    In the cluster that the settings name, or in which this very process is a job; else in the Ray
    of the system that runs with the same state folder and settings; else in a Ray of our own.
    Settings must be in the environment.

    Args:
        settings: Where everything is.
        lane: Backfill or batch.
        run: Names the stream's supervisor; two backfills have one each.
        stop: Is set when the running system whose Ray is used ends.
        leave_now: When it is set at the end of the block, what is held is left, and returns when
            its leases end.
        report: Gets a line that says why a running system is not used, or that it ended.
    """
    here = settings.model_copy(
        update={"ray_address": settings.ray_address or os.environ.get("RAY_ADDRESS")}
    )
    joined = _running(here, report)
    cluster = LocalRay(here, report=report, joined=joined)
    cluster.start()  # before Ray is imported, which reads its token then
    import ray

    from ingest.cluster import supervisor_actor

    try:
        actor = supervisor_actor.start(lane, name=f"supervisor-{run}")
        try:
            with _watched(joined, stop, report) if joined else contextlib.nullcontext():
                yield
        finally:
            longest = 0 if leave_now.is_set() else settings.drain_timeout_seconds + 5
            if joined is None or joined.answers():
                with contextlib.suppress(ray.exceptions.RayError):
                    ray.get(actor.drain.remote(longest), timeout=longest + 10)
    finally:
        cluster.stop()


@contextlib.contextmanager
def _watched(
    system: SharedRay, stop: threading.Event, report: Callable[[str], None]
) -> Iterator[None]:
    """Stop when the running system ends: Ray itself would end this process after a minute."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_WATCH_SECONDS):
            if not system.answers() and not over.wait(_WATCH_SECONDS) and not system.answers():
                report("stopping, because the running system ended")
                stop.set()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _running(settings: Settings, report: Callable[[str], None]) -> SharedRay | None:
    """The Ray of the running system, if its actors have the same settings."""
    if settings.ray_address is not None or (found := shared_ray.find(settings)) is None:
        return None
    if names := found.differing(settings):
        report(
            "starting a Ray of its own, because the running system has other values of "
            + ", ".join(names)
        )
        return None
    return found
