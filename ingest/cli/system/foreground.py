"""Runs the system in this process until a signal stops it."""

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
        AlreadyRunning: a system runs.
    """
    if (pid := Instance(settings.state_dir).pid()) is not None:
        raise AlreadyRunning(
            f"a system runs on {str(settings.state_dir)!r} as pid {pid}; 'ingest down' stops it"
        )


def run(settings: Settings, *, as_json: bool) -> None:
    """Run the system until SIGINT or SIGTERM, or until it ends by itself.

    Raises:
        AlreadyRunning: a system runs on the state folder.
        IngestError: the system did not start, or a part of it failed permanently.
        typer.Exit: a signal ended the start; all parts are stopped again.
    """
    instance = Instance(settings.state_dir)
    with instance.held():
        # Ray takes seconds to import. The lock comes first, so that a second start fails at once.
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
                # Before the stop: a signal that comes during it must not begin another one.
                signals.phase = _Phase.STOPPING
                system.stop()
                say("stopped")


class _Phase(Enum):
    STARTING = auto()
    READY = auto()
    STOPPING = auto()


class _Signals:
    """Handles signals: they interrupt a start, stop a running system, or shorten a stop.

    One handler serves all three phases, so that no signal is lost between two handlers.
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
            say("stopping; press Ctrl-C again to end at once, without clean-up")


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
