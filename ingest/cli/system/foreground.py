"""Running the system in this process until it is told to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from types import FrameType
from typing import TYPE_CHECKING

import typer

from ingest.cli.client.connect import gateway_url
from ingest.cli.exit_codes import ExitCode
from ingest.cli.instance import AlreadyRunning, Instance
from ingest.cli.output import say
from ingest.cli.system import startup_summary
from ingest.settings import Settings

if TYPE_CHECKING:
    from ingest.system import System

_INTERRUPTED_BY = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


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
        typer.Exit: a signal ended the start; everything is stopped again.
    """
    instance = Instance(settings.state_dir)
    with instance.held():
        from ingest import logs
        from ingest.system import System

        logs.configure(settings.log_level)
        system = System(settings, report=say)
        signals = _Signals(system)
        with _on_signals(signals):
            try:
                system.start()
                signals.phase = _Phase.READY
                url = gateway_url(settings.host, settings.port)
                instance.announce(url)
                startup_summary.show(url, settings, as_json=as_json)
                system.wait()
            except KeyboardInterrupt:
                raise typer.Exit(_INTERRUPTED_BY[signals.first or signal.SIGINT]) from None
            finally:
                signals.phase = _Phase.STOPPING
                system.stop()
                say("stopped")


class _Phase(Enum):
    STARTING = auto()
    READY = auto()
    STOPPING = auto()


class _Signals:
    """What a signal does: it breaks off a start, ends a running system, and hurries a stop.

    One handler for all of it, so that there is no moment between two.
    """

    def __init__(self, system: "System") -> None:
        self.phase = _Phase.STARTING
        self.first: signal.Signals | None = None
        self._system = system
        self._warned = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        phase, self.phase = self.phase, _Phase.STOPPING
        if phase is not _Phase.STOPPING:
            self.first = signal.Signals(number)
            self._system.request_stop()
            if phase is _Phase.STARTING:
                raise KeyboardInterrupt
        elif self._warned:
            raise KeyboardInterrupt
        else:
            self._warned = True
            say("stopping; once more gives up at once, and leaves a mess")


@contextmanager
def _on_signals(handler: _Signals) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _INTERRUPTED_BY}
    for number in _INTERRUPTED_BY:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
