"""Decodes bytes of any charset, and reads plain text."""

import re
from dataclasses import dataclass

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats import charsets
from ingest.adapters.parsers.local.formats.encoded_data import leave_out_data
from ingest.domain.parse_warning import WarningCode

_META_CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w:.-]+)""", re.I
)
_META_BYTES = 16 * 1024
_SOURCE_CHARSET = re.compile(
    rb"\A(?:[^\n]*\n)?[ \t]*(?:#|//|;|/\*)[^\n]*?coding[:=][ \t]*([\w.-]+)"
)
"""The comment in which source code names its charset (PEP 263, Emacs, Vim)."""
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_MOSTLY_DAMAGED = 0.5
_SLIGHTLY_DAMAGED = 0.02
_EAST_ASIAN = frozenset(
    {"cp932", "gb18030", "cp949", "cp950", "big5hkscs", "euc_jp", "gbk", "big5", "hz", "johab"}
)
_MIN_UTF8_CHARS = 4
"""A short text in an East Asian charset may be valid UTF-8 by accident."""
_CONTROL_SEQUENCE = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?|[()*+][ -~]|[@-Z\\\\^_=>])"
)
_OVERSTRUCK = re.compile("[^\n]\b")


def parse_text(text: str, draft: Draft) -> None:
    """Read plain text, without the colours of terminals and without encoded data."""
    if "\x1b" in text:
        text = _CONTROL_SEQUENCE.sub("", text)
    if "\b" in text:
        text = _OVERSTRUCK.sub("", text).replace("\b", "")
    draft.add(leave_out_data(text, draft))


def decode(
    data: bytes,
    *,
    markup: bool = False,
    declared: str | None = None,
    draft: Draft | None = None,
    place: str = "the file",
) -> str:
    """Decode a text by its byte order mark, its declared charset, as UTF-8, or by a guess.

    A declared charset that cannot decode the text loses to one that can. Bytes that are not
    valid in the charset become U+FFFD.

    Args:
        data: The whole text.
        markup: Whether it is HTML or XML, which may declare its charset.
        declared: The charset that something outside the text declares.
        draft: Gets a warning when the charset is guessed or does not fit.
        place: What the text is, for the warning.
    """
    found = _decode(data, markup=markup, declared=declared)
    if draft is not None:
        if found.guessed:
            draft.warn(
                WarningCode.CHARSET_GUESSED,
                f"the charset of {place} was guessed to be {found.charset}",
            )
        if damaged := found.text.count(_REPLACEMENT):
            draft.warn(
                WarningCode.CHARACTERS_UNREADABLE,
                f"{damaged} characters of {place} cannot be read as {found.charset}",
            )
    return found.text


@dataclass(frozen=True, slots=True)
class _Decoded:
    text: str
    charset: str
    guessed: bool = False


def _decode(data: bytes, *, markup: bool, declared: str | None) -> _Decoded:
    mark = charsets.marked(data)
    if mark:
        return _Decoded(data[mark[1] :].decode(mark[0], "replace"), mark[0])
    markup = markup or data.lstrip()[:5] == b"<?xml"
    labels = (declared, _declared_in(data) if markup else _declared_in_source(data))
    named = [name for label in labels if label and (name := charsets.codec_of(label))]
    named = [name for name in named if not (markup and name.startswith("utf-16"))]
    if data.isascii() and not any(byte in data for byte in (b"\x1b", b"~{", b"+", b"\0")):
        return _Decoded(data.decode(), "ascii")
    utf8 = _utf8(data)
    for name in named:
        if charsets.can_decode(data, name) and not (utf8 and _is_surely_utf8(utf8, name)):
            return _Decoded(data.decode(name), name)
    if wide := charsets.wide(data):
        return _Decoded(data.decode(wide, "replace"), wide, guessed=True)
    if name := charsets.escaped(data):
        return _Decoded(data.decode(name), name, guessed=True)
    if utf8 is not None:
        return _Decoded(utf8, "utf-8")
    return _repaired(data, named)


def _repaired(data: bytes, named: list[str]) -> _Decoded:
    """Decode with the declared charset if the text is only slightly damaged, else by a guess."""
    foreign = sum(byte > 127 for byte in data)
    for name in named:
        text = data.decode(name, "replace")
        if text.count(_REPLACEMENT) <= _SLIGHTLY_DAMAGED * foreign:
            return _Decoded(text, name)
    text = data.decode("utf-8", "replace")
    chars = len(text) - len(text.encode("ascii", "ignore"))
    if text.count(_REPLACEMENT) <= _MOSTLY_DAMAGED * chars:
        mixed = charsets.mixed(data)
        if mixed.count(_REPLACEMENT) < text.count(_REPLACEMENT):
            return _Decoded(mixed, "utf-8 with windows-1252", guessed=True)
        return _Decoded(text, "utf-8")
    guess = charsets.guessed(data)
    return _Decoded(data.decode(guess, "replace"), guess, guessed=True)


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _is_surely_utf8(text: str, other: str) -> bool:
    """Whether a text that is valid UTF-8 and valid in another charset is UTF-8."""
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    return foreign >= (_MIN_UTF8_CHARS if other in _EAST_ASIAN else 1)


def _declared_in_source(data: bytes) -> str | None:
    found = _SOURCE_CHARSET.match(data[:1000])
    return found[1].decode() if found else None


def _declared_in(data: bytes) -> str | None:
    found = _META_CHARSET.search(data[:_META_BYTES])
    return found[1].decode() if found else None
