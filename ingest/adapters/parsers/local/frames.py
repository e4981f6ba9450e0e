"""The messages between the parser and its child process, over a socket."""

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
    """The kind of a frame."""

    READY = 0
    DOCUMENT = 1
    """A request to parse: the name is the filename, the body is the bytes of the file."""
    PARSED = 2
    """A parsed document in the body."""
    REJECTED = 3
    """An error: the name is its code, the body is JSON with its message and extras."""
    REJECTED_LAST = 4
    """As REJECTED, but the child ends, because its memory may be damaged."""
    RECOGNIZING = 5
    """Before the answer: text in pictures is recognized, which has a time limit of its own."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A message; the name is short text, the body is bytes."""

    kind: Kind
    name: str = ""
    body: bytes = b""


class Closed(Exception):
    """The other side closed the socket, or sent an invalid frame."""


def send(to: socket.socket, frame: Frame, *, deadline: float | None = None) -> None:
    """Send a frame.

    Args:
        to: A connected stream socket.
        frame: The frame to send.
        deadline: On the monotonic clock, in seconds; None waits forever.

    Raises:
        TimeoutError: the deadline has passed.
        Closed: the other side closed the socket.
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
    """Receive a frame.

    Args:
        of: A connected stream socket.
        deadline: On the monotonic clock, in seconds; None waits forever.
        max_body_bytes: Longest accepted body.

    Raises:
        TimeoutError: the deadline has passed.
        Closed: the other side closed the socket, or sent no valid frame.
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
    """Make the frame of a typed error."""
    kind = Kind.REJECTED_LAST if last else Kind.REJECTED
    extras = {"pages": error.pages} if isinstance(error, DocumentEmpty) else {}
    return Frame(kind, error.code, json.dumps([error.message, extras]).encode())


def rejected(frame: Frame) -> DocumentRejected:
    """Read the typed error of a frame.

    Raises:
        Closed: the frame is not from ``rejection``.
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
