"""Tells text from binary data by its first bytes, also UTF-16 without a byte order mark."""

import re
from itertools import pairwise

_CONTROL = bytes(set(range(32)) - set(b"\b\t\n\v\f\r\x1b\x00")) + b"\x7f"
_UTF16_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF32_BE_MARK = b"\0\0\xfe\xff"
_ISO_2022_KR = b"\x1b$)C"
"""This charset shifts with the control characters SO and SI."""
_MIN_WIDE_CHARS = 8
_MIN_PLAUSIBLE = 0.95
_MAX_WIDE_SAMPLE = 8192
_PLAUSIBLE = re.compile(
    "[\t\n\r -~\xa0-\u024f\u0370-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u2010-\u2027\u2030-\u205e"
    "\u20a0-\u20bf\u2190-\u21ff\u2460-\u27bf\u3000-\u30ff\u3131-\u318e\u3200-\u33ff\u4e00-\u9fff"
    "\uac00-\ud7a3\uff01-\uffee]"
)
_COMMON = re.compile("[\t\n\r \u3000-\u3002\uff0c\uff01\uff1a\uff1b\u3041-\u30fe]")
"""Blanks, ideographic punctuation and kana: nearly every text has some."""


def wide_charset(sample: bytes) -> str | None:
    """Name the kind of UTF-16 of bytes without a byte order mark, or None.

    Nearly every second byte is NUL in languages with Latin letters. In others nearly all
    characters are in the blocks of living scripts, and there are blanks or punctuation.
    """
    sample = sample[:_MAX_WIDE_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 5 >= len(sample) and min(even, odd) * 20 <= max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    if not _is_doubtful(sample):
        return None
    best, chosen = 0.0, None
    for name in ("utf-16-le", "utf-16-be"):
        text = sample[: len(sample) // 2 * 2].decode(name, "replace")
        plausible = len(_PLAUSIBLE.findall(text))
        if len(text) < _MIN_WIDE_CHARS or plausible < _MIN_PLAUSIBLE * len(text):
            continue
        same_block = sum(a >> 8 == b >> 8 for a, b in pairwise(map(ord, text))) / len(text)
        score = len(_COMMON.findall(text)) / len(text) + same_block / 10
        if score > best:
            best, chosen = score, name
    return chosen


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text in some charset."""
    if head[:2] in _UTF16_MARKS or head.startswith((_ISO_2022_KR, _UTF32_BE_MARK)):
        return True
    if wide_charset(head):
        return True
    nuls = head.count(0)
    control = len(head) - len(head.translate(None, _CONTROL))
    if _utf8_fault(head):
        return nuls == 0 and control * 50 <= len(head)
    return nuls * 2 <= len(head) and control * 10 <= len(head)


def as_utf8(head: bytes) -> bytes:
    """Write the first bytes of a text in UTF-16 as UTF-8, without a byte order mark."""
    charset = _UTF16_MARKS.get(head[:2]) or wide_charset(head)
    if charset:
        return head.decode(charset, "ignore").removeprefix("\ufeff").encode("utf-8", "ignore")
    return head.removeprefix(b"\xef\xbb\xbf")


def _is_doubtful(sample: bytes) -> bool:
    """Whether bytes hold more NUL and control characters than a text of single bytes."""
    control = len(sample) - len(sample.translate(None, _CONTROL + b"\0\b"))
    return control * 100 > len(sample)


def _utf8_fault(head: bytes) -> bool:
    try:
        head.decode()
    except UnicodeDecodeError as exc:
        cut_inside_a_character = exc.start >= len(head) - 3 and exc.reason.startswith("unexpected")
        return not cut_inside_a_character
    return False
