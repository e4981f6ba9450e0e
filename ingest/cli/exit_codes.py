"""What goes wrong on the command line, and the exit code it leads to."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from ingest.domain.errors import ConfigurationError, IngestError, TransientError


class ExitCode(IntEnum):
    """What a caller of the command can tell from its end."""

    OK = 0
    """All is well; also when Ctrl-C ends what runs until it is stopped."""
    FAILED = 1
    """The command ran; something it was asked for failed."""
    UNUSABLE = 2
    """Wrong usage or settings, or something cannot be reached, or not with these rights."""
    INTERRUPTED = 130
    """Ended by Ctrl-C: in good order by the first, at once by the second."""
    TERMINATED = 143
    """Ended by SIGTERM while the system started."""


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
        """Keep what the gateway said.

        Args:
            message: The problem's detail.
            status: HTTP status.
            problem: The problem's stable code.
        """
        super().__init__(message)
        self.status = status
        self.problem = problem

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the extras across pickling."""
        return (type(self), self.args, {"status": self.status, "problem": self.problem})

    @property
    def bars_everything(self) -> bool:
        """True when no other request with this key can succeed either."""
        return self.status in (401, 403)

    @property
    def is_busy(self) -> bool:
        """True when the same request may succeed a little later."""
        return self.status in (429, 502, 503, 504)

    def __str__(self) -> str:
        """The detail and the code."""
        return f"{self.message} ({self.problem})" if self.problem else self.message


@contextmanager
def first_failure() -> Iterator[None]:
    """Raise the first of our errors in a task group's group of them, by itself.

    An ``except*`` cannot do it: what it raises is wrapped in a group again on some versions.
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
