"""Decodes fields of mail headers: RFC 2047 words, RFC 2231 parameters, and raw 8-bit text."""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from email.message import Message
from email.utils import collapse_rfc2231_value

from ingest.adapters.parsers.local.formats.charsets import codec_of
from ingest.adapters.parsers.local.formats.text import decode

_SHOWN = ("Subject", "From", "To", "Cc", "Bcc", "Date")
_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]+\?[bBqQ]\?)")


def header_lines(message: Message) -> list[str]:
    """The fields that a reader of mail sees, one a line."""
    lines = []
    for name in _SHOWN:
        values = dict.fromkeys(filter(None, _values(message, name)))
        if values:
            lines.append(f"{name}: {', '.join(values)}")
    return lines


def header(message: Message, name: str) -> str:
    """The decoded value of a field; '' when it is not there."""
    return next(_values(message, name), "")


def _values(message: Message, name: str) -> Iterator[str]:
    for found, raw in message.raw_items():
        if found.lower() == name.lower():
            yield " ".join(decode_words(_readable(str(raw))).split())


def part_name(part: Message) -> str:
    """The decoded file name of a part; '' when it has none."""
    for field in ("Content-Disposition", "Content-Type"):
        for found, raw in part.raw_items():
            if found.lower() == field.lower() and not str(raw).isascii():
                part.replace_header(found, _readable(str(raw)))
                break
    found_name = part.get_param("filename", None, "content-disposition") or part.get_param("name")
    if not found_name:
        return ""
    name = collapse_rfc2231_value(found_name, errors="replace")
    return " ".join(decode_words(name).split())


def decode_words(text: str) -> str:
    """Decode encoded words; characters may be split between words of one charset."""
    pieces: list[str] = []
    pending, charset, end = b"", "", 0
    text = _BETWEEN_WORDS.sub(r"\1", text)
    for word in _WORD.finditer(text):
        label, encoding, body = word[1].lower(), word[2].lower(), word[3]
        if word.start() > end or label != charset:
            pieces.append(_decoded(pending, charset))
            pieces.append(text[end : word.start()])
            pending, charset = b"", label
        pending += _word_bytes(encoding, body)
        end = word.end()
    return "".join([*pieces, _decoded(pending, charset), text[end:]])


def _word_bytes(encoding: str, body: str) -> bytes:
    raw = body.encode("ascii", "ignore")
    if encoding == "q":
        return quopri.decodestring(raw, header=True)
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except (binascii.Error, ValueError):
        return raw


def _decoded(data: bytes, charset: str) -> str:
    if not data:
        return ""
    return decode(data, declared=charset if codec_of(charset) else None)


def _readable(raw: str) -> str:
    """Decode the 8-bit bytes of a field, which the library keeps as lone surrogates."""
    if raw.isascii():
        return raw
    try:
        return decode(raw.encode("ascii", "surrogateescape"))
    except UnicodeEncodeError:
        return raw
