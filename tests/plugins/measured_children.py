"""Lets the parser's child processes end by themselves, so that coverage can save what they ran.

A child gets hardly any variables, and is killed when it is not needed any more. Under 'make
coverage' it also gets the one that coverage needs, and has a moment to end before it is killed.
"""

from contextlib import suppress
from subprocess import TimeoutExpired

from ingest.adapters.parsers.local import sandbox
from ingest.adapters.parsers.local.sandbox import Sandbox

_SECONDS = 2.0


def pytest_configure() -> None:
    """Change the sandbox of this process."""
    discard = Sandbox._discard

    def end_and_discard(self: Sandbox) -> str:
        if self._channel is not None:
            self._channel.close()  # a child that waits for the next document ends
        if self._process is not None:
            with suppress(TimeoutExpired):
                self._process.wait(_SECONDS)
        return discard(self)

    sandbox._KEPT_VARIABLES += ("COVERAGE_PROCESS_CONFIG",)  # type: ignore[assignment]  # one more
    Sandbox._discard = end_and_discard  # type: ignore[method-assign]  # the purpose of this plugin
