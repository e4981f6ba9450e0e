"""Bytes of unknown encoding to text."""

import codecs
import re

from charset_normalizer import from_bytes

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?([\w:.-]+)""", re.I
)
_FOREIGN_BYTE = re.compile(rb"[\x80-\xff]")
_SAMPLE_BYTES = 16 * 1024


def decode(data: bytes, *, html: bool = False) -> str:
    """Text of a file: byte order mark, UTF-8, declared charset, detected charset, cp1252.

    Bytes that the encoding does not know become U+FFFD.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    wide = _wide_encoding(data[:_SAMPLE_BYTES])
    if wide:
        return data.decode(wide, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        declared = _declared_charset(data) if html else None
        return data.decode(declared or _detected_charset(data), "replace")


def _wide_encoding(sample: bytes) -> str | None:
    """UTF-16 without a mark: nearly every second byte is NUL."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 5 < len(sample) or min(even, odd) * 20 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _declared_charset(data: bytes) -> str | None:
    found = _META_CHARSET.search(data[:2048])
    if not found:
        return None
    try:
        return codecs.lookup(found[1].decode()).name
    except LookupError:
        return None


def _detected_charset(data: bytes) -> str:
    foreign = _FOREIGN_BYTE.search(data)
    start = max(0, foreign.start() - _SAMPLE_BYTES // 2) if foreign else 0
    sample = data[start : start + _SAMPLE_BYTES]
    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"
