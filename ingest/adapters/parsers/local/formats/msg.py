"""Reads messages of Outlook (MS-OXMSG): headers, the body, names of attachments."""

import io
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.parser import HeaderParser
from typing import Any

from ingest.adapters.parsers.local.draft import Draft, clean
from ingest.adapters.parsers.local.formats.attached import Attachments, refuse
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.rtf import parse_rtf
from ingest.adapters.parsers.local.formats.text import decode
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.media_type import PICTURES, guess

MAX_DEPTH = 5
"""Most messages inside one another."""
_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_SENDER_NAME, _SENDER_ADDRESS, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_TO, _CC, _HEADERS = 0x0E04, 0x0E03, 0x007D
_SENT, _DELIVERED, _CODE_PAGE, _INTERNET_PAGE = 0x0039, 0x0E06, 0x3FFD, 0x3FDE
_LONG_NAME, _SHORT_NAME, _SHOWN_NAME, _ATTACHED = 0x3707, 0x3704, 0x3001, 0x3701
_CONTENT_ID = 0x3712
_ROOT_HEADER, _INNER_HEADER = 32, 24
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_RTF_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_RTF_HEADER_BYTES = 16
_WINDOW_BYTES = 4096
_MAX_RTF_BYTES = 256 * 1024**2


def parse_msg(data: bytes, draft: Draft, parse: Callable[..., ParsedDocument]) -> None:
    """Read a message, and what is attached to it.

    Args:
        data: The file.
        draft: Gets the text.
        parse: The parser of one document, ``parse_document``.

    Raises:
        DocumentUnreadable: the message is corrupt.
    """
    import olefile  # type: ignore[import-untyped]  # few documents need it

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            _OutlookMessage(ole, (), draft, Attachments(parse)).write(depth=1)
    except (OSError, struct.error, IndexError, KeyError, ValueError) as exc:
        raise DocumentUnreadable(
            f"the Outlook message is truncated or corrupt ({type(exc).__name__})"
        ) from exc


class _OutlookMessage:
    """One message: the file itself, or a folder in it."""

    def __init__(
        self, ole: Any, folder: tuple[str, ...], draft: Draft, attached: Attachments
    ) -> None:
        self._ole = ole
        self._folder = folder
        self._draft = draft
        self._attached = attached
        self._numbers = self._properties(_INNER_HEADER if folder else _ROOT_HEADER)
        page = self._numbers.get(_CODE_PAGE) or self._numbers.get(_INTERNET_PAGE) or b"\0"
        self._page = int.from_bytes(page[:4], "little")

    def write(self, *, depth: int) -> None:
        """Write headers, body and attachments."""
        attachments = self._attachments()
        lines = [f"{name}: {value}" for name, value in self._header_lines() if value]
        lines += [f"Attachment: {name}" for name, *_ in attachments if name]
        self._draft.add("\n".join(" ".join(clean(line).split()) for line in lines))
        self._write_body()
        for name, folder, is_message in attachments:
            what = f"the attachment {name or 'without a name'}"
            if is_message and depth < MAX_DEPTH:
                inner = (*folder, f"__substg1.0_{_ATTACHED:04X}000D")
                _OutlookMessage(self._ole, inner, self._draft, self._attached).write(
                    depth=depth + 1
                )
            elif is_message:
                refuse(what, self._draft, "messages are nested too deeply")
            elif guess(name) in PICTURES and self._text(_CONTENT_ID, folder):
                refuse(what, self._draft, "it is a picture in the body")
            elif data := self._stream(f"{_ATTACHED:04X}0102", folder):
                self._attached.read(data, name, self._draft, what=what)
            else:
                refuse(what, self._draft, "the message does not hold its contents")

    def _header_lines(self) -> list[tuple[str, str]]:
        sent = HeaderParser().parsestr(self._text(_HEADERS))
        address = self._text(_SENDER_SMTP) or self._text(_SENDER_ADDRESS)
        sender = self._text(_SENDER_NAME)
        if "@" in address and address != sender:
            sender = f"{sender} <{address}>".strip()
        return [
            ("Subject", self._text(_SUBJECT)),
            ("From", sender or str(sent["From"] or "")),
            ("To", self._text(_TO).rstrip("\0") or str(sent["To"] or "")),
            ("Cc", self._text(_CC).rstrip("\0") or str(sent["Cc"] or "")),
            ("Date", str(sent["Date"] or "") or self._date()),
        ]

    def _date(self) -> str:
        raw = self._numbers.get(_SENT) or self._numbers.get(_DELIVERED)
        if not raw or not any(raw):
            return ""
        try:
            found = _EPOCH + timedelta(microseconds=int.from_bytes(raw[:8], "little") // 10)
        except OverflowError:
            return ""
        return f"{found:%Y-%m-%d %H:%M} UTC"

    def _write_body(self) -> None:
        page = self._binary(_HTML)
        markup = decode(page, markup=True) if page else self._text(_HTML)
        plain, packed = self._text(_BODY), self._binary(_RTF)
        if markup.strip():
            parse_html(markup, self._draft)
        elif packed and (rich := unpack_rtf(packed)) and (not plain or b"\\fromhtml" in rich[:500]):
            parse_rtf(rich, self._draft)
        else:
            self._draft.add(plain)

    def _attachments(self) -> list[tuple[str, tuple[str, ...], bool]]:
        """Names and folders of the attachments, and whether each one is a message."""
        depth = len(self._folder)
        entries = self._ole.listdir(streams=True, storages=True)
        names = {
            entry[depth]
            for entry in entries
            if tuple(entry[:depth]) == self._folder
            and len(entry) > depth
            and entry[depth].lower().startswith("__attach_version1.0_#")
        }
        found = []
        for name in sorted(names):
            folder = (*self._folder, name)
            inner = (*folder, f"__substg1.0_{_ATTACHED:04X}000D")
            is_message = self._ole.exists([*inner, "__properties_version1.0"])
            title = next(
                filter(
                    None, (self._text(p, folder) for p in (_LONG_NAME, _SHOWN_NAME, _SHORT_NAME))
                ),
                "",
            )
            found.append((title, folder, is_message))
        return found

    def _text(self, number: int, folder: tuple[str, ...] | None = None) -> str:
        wide = self._stream(f"{number:04X}001F", folder)
        if wide is not None:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        narrow = self._stream(f"{number:04X}001E", folder)
        return self._decoded(narrow or b"").rstrip("\0")

    def _decoded(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            pass
        try:
            return raw.decode(f"cp{self._page}")
        except (LookupError, UnicodeDecodeError):
            return decode(raw)

    def _binary(self, number: int) -> bytes:
        return self._stream(f"{number:04X}0102", None) or b""

    def _stream(self, name: str, folder: tuple[str, ...] | None) -> bytes | None:
        path = [*(self._folder if folder is None else folder), f"__substg1.0_{name}"]
        if not self._ole.exists(path) or self._ole.get_type(path) != 2:
            return None
        found: bytes = self._ole.openstream(path).read()
        return found

    def _properties(self, header: int) -> dict[int, bytes]:
        """Values of fixed size, by number."""
        path = [*self._folder, "__properties_version1.0"]
        if not self._ole.exists(path):
            return {}
        data = self._ole.openstream(path).read()[header:]
        return {
            struct.unpack_from("<H", data, at + 2)[0]: data[at + 8 : at + 16]
            for at in range(0, len(data) - 15, 16)
        }


def unpack_rtf(packed: bytes) -> bytes:
    """Unpack compressed RTF (MS-OXRTFCP); what is damaged gives as much as there is."""
    if len(packed) < _RTF_HEADER_BYTES:
        return b""
    size, kind = struct.unpack_from("<4xI4s", packed)
    size = min(size, _MAX_RTF_BYTES)
    if kind == b"MELA":
        return packed[_RTF_HEADER_BYTES : _RTF_HEADER_BYTES + size]
    if kind != b"LZFu":
        return b""
    window = bytearray(_RTF_DICTIONARY.ljust(_WINDOW_BYTES, b" "))
    write, out = len(_RTF_DICTIONARY), bytearray()
    for run in _runs(packed):
        literal = isinstance(run, int)
        offset, length = (0, 1) if isinstance(run, int) else run
        if not literal and offset == write % _WINDOW_BYTES:
            break
        for step in range(length):
            byte = run if isinstance(run, int) else window[(offset + step) % _WINDOW_BYTES]
            window[write % _WINDOW_BYTES] = byte
            out.append(byte)
            write += 1
        if len(out) >= size:
            break
    return bytes(out[:size])


def _runs(packed: bytes) -> Iterator[int | tuple[int, int]]:
    """Bytes, and places with lengths of what comes again from the window."""
    at = _RTF_HEADER_BYTES
    while at < len(packed):
        flags = packed[at]
        at += 1
        for bit in range(8):
            if flags >> bit & 1:
                if at + 2 > len(packed):
                    return
                (pair,) = struct.unpack_from(">H", packed, at)
                yield pair >> 4, (pair & 15) + 2
                at += 2
            elif at < len(packed):
                yield packed[at]
                at += 1
