"""Errors of the command line, and the exit code of each."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from ingest.domain.errors import ConfigurationError, IngestError, TransientError

BUSY = frozenset({429, 502, 503, 504})
"""HTTP statuses after which the same request may succeed a little later."""


class ExitCode(IntEnum):
    """The exit codes, which tell a calling program how the command ended."""

    OK = 0
    """The command succeeded, or Ctrl-C ended a command that runs until it is stopped."""
    FAILED = 1
    """The command ran; something it was asked for failed."""
    UNUSABLE = 2
    """Wrong usage or settings, the system cannot be reached, or the key lacks a right."""
    INTERRUPTED = 130
    """Ctrl-C ended the command: the first one after clean-up, the second one at once."""
    TERMINATED = 143
    """SIGTERM ended the command while the system started."""


class CommandError(Exception):
    """A command ends with a message of one line."""

    # Not an IngestError: it is never stored with a job nor answered over HTTP, so it has no code,
    # and the domain need not know that there is a command line.

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__class__.__doc__)

    @property
    def message(self) -> str:
        """What went wrong."""
        return str(self.args[0])


class CommandFailed(CommandError):
    """The command did not reach its end."""


class WrongUsage(CommandError):
    """The command cannot be carried out as it is written."""


class UnknownTenant(WrongUsage):
    """No tenant has this name or UUID."""


class Unreachable(CommandError):
    """The system does not answer."""


class Refused(CommandError):
    """The gateway answered with a problem."""

    def __init__(self, message: str = "", *, status: int = 0, problem: str = "") -> None:
        """Keep the parts of the gateway's answer.

        Args:
            message: The problem's detail.
            status: HTTP status.
            problem: The problem's stable code.
        """
        super().__init__(message)
        self.status = status
        self.problem = problem

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the status and the problem's code when the error is pickled."""
        return (type(self), self.args, {"status": self.status, "problem": self.problem})

    @property
    def bars_everything(self) -> bool:
        """True when no other request with this key can succeed either."""
        return self.status in (401, 403)

    @property
    def is_busy(self) -> bool:
        """True when the same request may succeed a little later."""
        return self.status in BUSY

    def __str__(self) -> str:
        """The detail and the code."""
        return f"{self.message} ({self.problem})" if self.problem else self.message


@contextmanager
def first_failure() -> Iterator[None]:
    """Raise the first ``IngestError`` of a task group alone, not in an exception group.

    An ``except*`` cannot do this: some Python versions wrap its error in a group again.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        ours, others = group.split((IngestError, CommandError))
        if ours is None or others is not None:
            raise
        raise ours.exceptions[0] from None


def exit_code(error: IngestError | CommandError) -> ExitCode:
    """The exit code that an error leads to."""
    if isinstance(error, WrongUsage | Unreachable | ConfigurationError | TransientError):
        return ExitCode.UNUSABLE
    if isinstance(error, Refused) and (error.bars_everything or error.is_busy):
        return ExitCode.UNUSABLE
    return ExitCode.FAILED
