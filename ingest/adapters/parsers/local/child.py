"""The child process that parses; it may hang, crash or be killed without other damage.

Arguments: the socket's descriptor, the parent's process id, then the limits of memory in bytes,
of pages and of characters, and the options of recognition as JSON.
"""

import ctypes
import gc
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from ingest.adapters.parsers.local import frames
from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.frames import Frame, Kind
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.errors import DocumentRejected, DocumentUnreadable, ParserLimitExceeded

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> int:
    """Parse documents until the socket closes."""
    *numbers, ocr = argv
    fd, parent, memory_bytes, max_pages, max_text_chars = map(int, numbers)
    _die_with(parent)
    limits = ParserLimits(max_pages, max_text_chars, OcrOptions.from_json(ocr))
    with socket.socket(fileno=fd) as channel:
        _limit_memory(memory_bytes)
        _silence()
        # The imported modules live as long as the process; frozen, no collection walks over them.
        gc.freeze()
        frames.send(channel, Frame(Kind.READY))
        try:
            while True:
                request = frames.receive(channel)
                reply = _answer(channel, request, limits, memory_bytes=memory_bytes)
                frames.send(channel, reply)
                if reply.kind is Kind.REJECTED_LAST:
                    return 0
        except frames.Closed:
            return 0


def _answer(
    channel: socket.socket, request: Frame, limits: ParserLimits, *, memory_bytes: int
) -> Frame:
    try:
        parsed = parse_document(
            request.body,
            filename=request.name,
            limits=limits,
            before_recognition=lambda: frames.send(channel, Frame(Kind.RECOGNIZING)),
        )
        return Frame(Kind.PARSED, body=parsed.to_bytes())
    except DocumentRejected as exc:
        return frames.rejection(exc)
    except MemoryError:
        message = f"parsing needed more memory than the limit of {memory_bytes} bytes"
        return frames.rejection(ParserLimitExceeded(message), last=True)
    except RecursionError:
        message = "the document is nested too deeply"
        return frames.rejection(ParserLimitExceeded(message))
    # Nothing must escape the child, and panics of native code are BaseException.
    except BaseException as exc:  # noqa: BLE001
        message = f"the parser failed on the document ({type(exc).__name__})"
        return frames.rejection(DocumentUnreadable(message), last=True)


def _die_with(parent: int) -> None:
    # Ctrl-C reaches the whole process group; the parent decides when its children end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before prctl: then no signal comes any more.
    if os.getppid() != parent:
        sys.exit(0)


def _limit_memory(memory_bytes: int) -> None:
    """Limit private writable memory; a limit of the address space would count reservations."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    # A core dump of a crash would store the document on disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # when memory runs out, the kernel must kill the child, not the parent
        Path("/proc/self/oom_score_adj").write_text("1000")


def _silence() -> None:
    """Close the output, because native libraries print warnings about documents."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
