"""Tells mail from memos, settings and logs whose lines only look like the fields of a header."""

import re
from enum import StrEnum

_ENVELOPE_LINE = re.compile(rb"From [^\r\n]*\d\d:\d\d[^\r\n]*\d{4}[^\r\n]*\r?\n")
"""The line that an mbox writes before each message."""
_FIELD = re.compile(rb"([!-9;-~]{1,76}):[ \t]?(.*)", re.DOTALL)
_KNOWN_FIELDS = frozenset(
    {b"from", b"to", b"cc", b"subject", b"date", b"sender", b"reply-to", b"received"}
    | {b"message-id", b"mime-version", b"return-path", b"delivered-to", b"content-type"}
)
_ADDRESS = re.compile(rb"<[^<>\s]*@?[^<>\s]*>")
_PROOFS: dict[bytes, re.Pattern[bytes]] = {
    b"message-id": re.compile(rb"\s*<[^<>\s]+>"),
    b"mime-version": re.compile(rb"\s*(?:\([^)]*\)\s*)?1\s*\.\s*0"),
    b"received": re.compile(rb"\s*\(?(?:from|by)\s.*;\s*\S.*\d{4}", re.DOTALL | re.IGNORECASE),
    b"return-path": re.compile(rb"\s*(?:<[^<>]*>|\S+@\S+)\s*$"),
    b"delivered-to": re.compile(rb"\s*\S+@\S+\s*$"),
    b"x-mailer": re.compile(rb"\s*\S"),
    b"dkim-signature": re.compile(rb"\s*v="),
    b"content-transfer-encoding": re.compile(
        rb"\s*(?:7bit|8bit|binary|base64|quoted-printable)\b", re.IGNORECASE
    ),
}
"""Fields that only mail has, and what they look like there."""
_LEADING = b"\xef\xbb\xbf \t\r\n"


class Mail(StrEnum):
    """What begins with the header of a mail."""

    MESSAGE = "message"
    BOX = "box"
    """It begins with the line of an mbox; one or more messages follow."""


def sniff_mail(head: bytes, *, is_named: bool) -> Mail | None:
    """Say whether a text is mail.

    Args:
        head: The first bytes of the text, in ASCII or a superset.
        is_named: Whether the extension says that it is mail; then one known field is enough.
    """
    head = head.lstrip(_LEADING)
    envelope = _ENVELOPE_LINE.match(head)
    block = head[envelope.end() :] if envelope else head
    fields = _fields(block)
    if fields is None:
        return None
    known = fields.keys() & _KNOWN_FIELDS
    if envelope and known:
        return Mail.BOX
    if is_named and known:
        return Mail.MESSAGE
    proofs = [name for name, value in fields.items() if _proves(name, value)]
    return Mail.MESSAGE if proofs and len(known) >= 2 else None


def _fields(block: bytes) -> dict[bytes, bytes] | None:
    """The fields of a header by name in lower case; None when another line is among them."""
    header = re.split(rb"\r?\n[ \t]*\r?\n|\r\r", block, maxsplit=1)[0]
    fields: dict[bytes, bytes] = {}
    name = None
    for line in header.splitlines():
        if line[:1] in b" \t" and name is not None:
            fields[name] += b"\n" + line
        elif found := _FIELD.match(line):
            name = found[1].lower()
            fields.setdefault(name, found[2])
        elif not line.startswith(b">From "):
            return fields or None
    return fields


def _proves(name: bytes, value: bytes) -> bool:
    looks = _PROOFS.get(name)
    return looks is not None and looks.match(value) is not None
