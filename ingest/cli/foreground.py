"""Running the system in this process until it is told to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from ingest.cli import about
from ingest.cli.connecting import gateway_url
from ingest.cli.instance import AlreadyRunning, Instance
from ingest.cli.output import say
from ingest.settings import Settings

if TYPE_CHECKING:
    from ingest.cluster.system import System

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def ensure_nothing_runs(settings: Settings) -> None:
    """Check that no system runs on the state folder.

    Raises:
        AlreadyRunning: one does.
    """
    if (pid := Instance(settings.state_dir).pid()) is not None:
        raise AlreadyRunning(
            f"a system runs on {str(settings.state_dir)!r} as pid {pid}; 'ingest down' stops it"
        )


def run(settings: Settings, *, as_json: bool) -> None:
    """Run the system until SIGINT, SIGTERM or its end.

    Raises:
        AlreadyRunning: a system runs on the state folder.
        IngestError: it did not start, or something died for good.
    """
    instance = Instance(settings.state_dir)
    with instance.held():
        from ingest import logs
        from ingest.cluster.system import System

        logs.configure(settings.log_level)
        system = System(settings, report=say)
        with _stopped_at_the_end(system):
            system.start()
            with _asked_to_stop(system):
                url = gateway_url(settings.host, settings.port)
                instance.announce(url)
                about.show(url, settings, as_json=as_json)
                system.wait()


@contextmanager
def _stopped_at_the_end(system: "System") -> Iterator[None]:
    """Stop the system however the context ends; before it runs, a signal interrupts the start."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _on_signals(interrupt):
        try:
            yield
        finally:
            with _on_signals(_Impatience()):
                system.stop()
            say("stopped")


@contextmanager
def _asked_to_stop(system: "System") -> Iterator[None]:
    """A signal asks the running system to stop, which is a good end."""

    def ask(number: int, frame: FrameType | None) -> None:
        system.request_stop()

    with _on_signals(ask):
        yield


class _Impatience:
    """The second signal during the stop breaks it off."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:
            raise KeyboardInterrupt
        say("stopping; once more gives up at once, and leaves a mess")


@contextmanager
def _on_signals(handler: object) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        signal.signal(number, handler)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
