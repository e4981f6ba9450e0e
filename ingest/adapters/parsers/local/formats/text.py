"""Decodes bytes of unknown encoding."""

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?([\w:.-]+)""", re.I
)
_FOREIGN_RUN = re.compile(rb"[\x80-\xff]+")
_SYMBOL_IN_WORD = re.compile("[^\\W\\d_][\xa1-\xa9\xac\xae-\xb4\xb6\xb8\xb9\xbb-\xbf][^\\W\\d_]")
_SAMPLE_BYTES = 16 * 1024
_MAX_ISOLATED_RUN = 2
"""Most non-ASCII bytes in a row, on average, in a text of mostly ASCII letters."""
_OTHER_SCRIPTS = (
    *("cp1251", "koi8_r", "cp1253", "cp1255", "cp1256"),
    *("cp932", "euc_jp", "gb18030", "big5", "cp949"),
)


def decode(data: bytes, *, markup: bool = False) -> str:
    """Decode a file by its byte order mark, as UTF-8, by its declared charset, or by a guess.

    Bytes that are not valid in the encoding become U+FFFD.

    Args:
        data: The whole file.
        markup: Whether it is HTML or XML, which may declare its charset.
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
        declared = _declared_charset(data) if markup else None
        return data.decode(declared or _guessed_charset(data), "replace")


def _wide_encoding(sample: bytes) -> str | None:
    """Detect UTF-16 without a mark: nearly every second byte is NUL."""
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


def _guessed_charset(data: bytes) -> str:
    first = _FOREIGN_RUN.search(data)
    start = max(0, first.start() - _SAMPLE_BYTES // 2) if first else 0
    sample = data[start : start + _SAMPLE_BYTES]
    text = sample.decode("utf-8", "replace")
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    if broken * 2 <= foreign:
        return "utf-8"
    runs = _FOREIGN_RUN.findall(sample)
    if sum(map(len, runs)) > _MAX_ISOLATED_RUN * len(runs):
        from charset_normalizer import (
            from_bytes,
        )  # its import takes 20 ms, and few documents need it

        best = from_bytes(sample, cp_isolation=list(_OTHER_SCRIPTS)).best()
        return best.encoding if best else "cp1252"
    return "cp1250" if _SYMBOL_IN_WORD.search(sample.decode("cp1252", "replace")) else "cp1252"
