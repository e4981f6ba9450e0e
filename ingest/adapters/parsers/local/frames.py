"""What the parser and its child process say to each other, over a socket of their own."""

import json
import socket
import struct
import time
from dataclasses import dataclass
from enum import IntEnum

from ingest.domain.errors import CODES, DocumentEmpty, DocumentRejected, DocumentUnreadable

_HEADER = struct.Struct(">BIQ")
_MAX_NAME_BYTES = 64 * 1024
_MAX_RECEIVE = 1 << 20


class Kind(IntEnum):
    """What a frame says."""

    READY = 0
    DOCUMENT = 1
    """Child, please parse: the name is the filename, the body its bytes."""
    PARSED = 2
    """The body is a parsed document."""
    REJECTED = 3
    """The name is the error's code, the body JSON: its message, and an object of its extras."""
    REJECTED_LAST = 4
    """As REJECTED, and the child ends: its memory may be spoilt."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message; the name is short text, the body is bytes."""

    kind: Kind
    name: str = ""
    body: bytes = b""


class Closed(Exception):
    """The other side has gone, or says what it cannot say."""


def send(to: socket.socket, frame: Frame, *, deadline: float | None = None) -> None:
    """Write a frame.

    Args:
        to: A connected stream socket.
        frame: What to send.
        deadline: On the monotonic clock, in seconds; None waits for ever.

    Raises:
        TimeoutError: the deadline has passed.
        Closed: the other side has gone.
    """
    name = json.dumps(frame.name).encode()
    header = _HEADER.pack(frame.kind, len(name), len(frame.body))
    try:
        to.settimeout(_remaining(deadline))
        if len(frame.body) < _MAX_RECEIVE:
            to.sendall(header + name + frame.body)
            return
        to.sendall(header + name)
        to.settimeout(_remaining(deadline))
        to.sendall(frame.body)
    except (BrokenPipeError, ConnectionResetError) as exc:
        raise Closed from exc


def receive(
    of: socket.socket, *, deadline: float | None = None, max_body_bytes: int | None = None
) -> Frame:
    """Read a frame.

    Args:
        of: A connected stream socket.
        deadline: On the monotonic clock, in seconds; None waits for ever.
        max_body_bytes: Longest body to take in.

    Raises:
        TimeoutError: the deadline has passed.
        Closed: the other side has gone, or sent something else than a frame.
    """
    kind, name_bytes, body_bytes = _HEADER.unpack(_read(of, _HEADER.size, deadline=deadline))
    if name_bytes > _MAX_NAME_BYTES or (max_body_bytes is not None and body_bytes > max_body_bytes):
        raise Closed
    name = _read(of, name_bytes, deadline=deadline)
    body = _read(of, body_bytes, deadline=deadline)
    try:
        return Frame(Kind(kind), json.loads(name), body)
    except ValueError as exc:
        raise Closed from exc


def rejection(error: DocumentRejected, *, last: bool = False) -> Frame:
    """The frame that carries a typed error."""
    kind = Kind.REJECTED_LAST if last else Kind.REJECTED
    extras = {"pages": error.pages} if isinstance(error, DocumentEmpty) else {}
    return Frame(kind, error.code, json.dumps([error.message, extras]).encode())


def rejected(frame: Frame) -> DocumentRejected:
    """The typed error that a frame carries.

    Raises:
        Closed: the frame is none that ``rejection`` makes.
    """
    error = CODES.get(frame.name, DocumentUnreadable)
    # A child that a document has taken over could send any code.
    kind = error if issubclass(error, DocumentRejected) else DocumentUnreadable
    try:
        message, extras = json.loads(frame.body)
        return kind(message, **extras)
    except (ValueError, TypeError) as exc:
        raise Closed from exc


def _read(of: socket.socket, count: int, *, deadline: float | None) -> bytes:
    parts: list[bytes] = []
    left = count
    while left:
        of.settimeout(_remaining(deadline))
        try:
            part = of.recv(min(left, _MAX_RECEIVE))
        except ConnectionResetError as exc:
            raise Closed from exc
        if not part:
            raise Closed
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _remaining(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
