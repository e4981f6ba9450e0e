"""How a process that runs one command reacts to Ctrl-C, and how it ends."""

import asyncio
import atexit
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn, TypeVar

from ingest.cli.exit_codes import ExitCode

Result = TypeVar("Result")
_SHOW_CURSOR = b"\x1b[?25h"


class _Interrupts:
    """Handles Ctrl-C: the first asks for a clean end, the second ends the process at once."""

    def __init__(self) -> None:
        self.asked = False
        self.cancel: Callable[[], object] | None = None
        """Cancels the main task of the event loop; None while no event loop runs."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            end_at_once()
        self.asked = True
        if self.cancel is None:
            raise KeyboardInterrupt
        self.cancel()


class _End:
    """Ends the process with the command's exit code before the interpreter is finalized.

    Obstore's threads are Rust's: they call back into Python when a request ends, also after the
    event loop that waited for it is gone. When such a thread asks for the GIL of an interpreter
    that is being finalized, CPython before 3.14 ends the thread by ``pthread_exit``, whose
    unwinding meets frames of Rust, and the C library aborts the process: exit code 134 instead of
    the command's own. No call closes a store or joins those threads. So the process ends here: this
    is the first exit handler that is registered. It is therefore called last, after non-daemon
    threads have been joined. It also flushes the buffers, which finalizing would have done.
    """

    def __init__(self) -> None:
        self.code: int = ExitCode.FAILED

    def __call__(self) -> None:
        logging.shutdown()  # its exit handler was registered earlier, so it would run too late
        for stream in (sys.stdout, sys.stderr):
            with suppress(
                OSError, ValueError, AttributeError
            ):  # the reader has closed the pipe, or the stream is closed
                stream.flush()
        os._exit(self.code)


_interrupts = _Interrupts()


def end_with(command: Callable[[], int]) -> NoReturn:
    """Run the command, then end the process with the exit code that it returns."""
    end = _End()
    atexit.register(end)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
        signal.signal(signal.SIGINT, _interrupts)
    try:
        end.code = command()
    except KeyboardInterrupt:
        end.code = ExitCode.INTERRUPTED
    sys.exit(end.code)


def end_at_once() -> NoReturn:
    """End this process without waiting for anything; exit code 130."""
    for number in (1, 2):
        if os.isatty(number):  # a progress bar hides the cursor
            with suppress(OSError):
                os.write(number, _SHOW_CURSOR)
    os._exit(ExitCode.INTERRUPTED)


def run_async(main: Coroutine[Any, Any, Result]) -> Result:
    """``asyncio.run`` for commands: the first Ctrl-C cancels ``main``, which then cleans up.

    On the second Ctrl-C, Python's own handler raises an exception anywhere in the event loop.
    Then it waits without a limit for tasks that this exception may have broken.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    try:
        return asyncio.run(_cancelled_by_ctrl_c(main))
    except asyncio.CancelledError:
        if not _interrupts.asked:
            raise
        raise KeyboardInterrupt from None


async def _cancelled_by_ctrl_c(main: Coroutine[Any, Any, Result]) -> Result:
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    # Cancel through the loop: a signal handler may interrupt any line of Python.
    _interrupts.cancel = lambda: task and loop.call_soon_threadsafe(task.cancel)
    try:
        return await main
    finally:
        _interrupts.cancel = None
