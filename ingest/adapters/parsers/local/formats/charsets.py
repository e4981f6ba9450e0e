"""Charsets: what a declared name means, and the best guess where none is declared.

Names mean what the WHATWG Encoding Standard says: mail and pages that declare ISO-8859-1 are in
windows-1252, those that declare GB2312 in GBK, and so on.
"""

import codecs
import re

from ingest.domain.text_bytes import wide_charset

SAMPLE_BYTES = 16 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WEB_CODECS = {
    "shift_jis": "cp932",
    "gbk": "gb18030",
    "euc-kr": "cp949",
    "big5": "cp950",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "iso-2022-jp": "iso2022_jp_ext",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
}
"""Python's codecs for the standard's names; the other names are the same."""
_NO_CHARSETS = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode"})
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "iso8859-8": "cp1255",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shift_jis_2004": "cp932",
    "shift_jisx0213": "cp932",
    "euc_jis_2004": "euc_jp",
    "euc_jisx0213": "euc_jp",
    "euc_kr": "cp949",
    "big5": "cp950",
}
"""Charsets of which a guess takes the one that the web takes instead, if it can decode."""
_RARE = (
    *("cp037", "cp273", "cp424", "cp500", "cp875", "cp1026", "cp1140", "cp720", "cp775", "cp862"),
    *("iso8859-3", "iso8859-10", "iso8859-14", "iso8859-16", "hp-roman8", "johab", "kz1048"),
    *("koi8-t", "mac-iceland", "mac-turkish", "mac-latin2", "mac-greek", "cp1006", "ptcp154"),
)
"""Charsets that short texts are wrongly taken for more often than they are used."""
_ESCAPES = (
    (b"\x1b$)C", "iso2022_kr"),
    (b"\x1b$)A", "iso2022_cn"),
    (b"\x1b$B", "iso2022_jp_ext"),
    (b"\x1b$@", "iso2022_jp_ext"),
    (b"\x1b(J", "iso2022_jp_ext"),
    (b"\x1b(I", "iso2022_jp_ext"),
    (b"\x1b$(D", "iso2022_jp_ext"),
)
_FOREIGN = re.compile(rb"[\x80-\xff]+")
_LETTERS = re.compile(rb"[\x91-\x97\xab\xbb\xc0\xc1\xc4-\xff]{1,3}")
"""Letters and quotation marks of windows-1252 between ASCII. Without C2 and C3: these are left of a
character of UTF-8 that lost its end."""
_MIXED_WORD = re.compile(
    "[A-Za-z][\u0370-\u07ff\u0e00-\u0e7f]|[\u0370-\u07ff\u0e00-\u0e7f][A-Za-z]"
)
_SYMBOL_IN_WORD = re.compile(
    "[^\\W\\d_][\xa1-\xa9\xab\xac\xae-\xb4\xb6\xb8\xb9\xbb-\xbf\u2000-\u2018\u201a-\u2bff][^\\W\\d_]"
)
_WESTERN = re.compile(
    "(?:[^\x80-\U0010ffff]|(?<![^\\W\\d_])[\u2018\u201c\xab\xbf\xa1\xa3\xa9\xa7\u2022\u20ac\xb1\u2013\u2014\xb0\xb7]"
    "|[\u2019\u201d\xbb\u2026\u20ac\xae\u2122\xb2\xb3\xb0\xa0](?![^\\W\\d_])|(?<=\\w)\u2019(?=[a-z]{1,2}\\b)"
    "|(?<=\\b[dlnDLN])\u2019|(?:(?<![A-Z])|(?<=[A-Z][A-Z]))[\xe0-\xe2\xe4-\xeb\xee\xef\xf1\xf3\xf4\xf6\xf8\xfa-\xfc\xdf\u0153]"
    "|\\b[\xc9\xc0\xc4\xd6\xdc\xc5\xd8\xc7])+"
)
"""Text in windows-1252 in which each character stands where it does in western Europe."""
_FEW_BYTES = 6
"""This few non-ASCII bytes say little about the language; then windows-1252 comes first."""
_C1_CONTROL = re.compile("[\x80-\x9f]")
_MAX_ODD_SHARE = 0.1
_CANDIDATES = 8


def marked(data: bytes) -> tuple[str, int] | None:
    """The charset of a byte order mark and the length of the mark."""
    return next(((name, len(mark)) for mark, name in _BOMS if data.startswith(mark)), None)


def codec_of(label: str) -> str | None:
    """Python's codec for a declared charset; None when there is none."""
    import webencodings  # type: ignore[import-untyped]  # ships no types

    known = webencodings.lookup(label.strip())
    name = known.name if known else label.strip()
    if name == "x-user-defined":
        return None
    try:
        found = codecs.lookup(_WEB_CODECS.get(name, name)).name
    except (LookupError, ValueError):
        return None
    try:
        b"".decode(found)
    except (
        LookupError,
        UnicodeError,
    ):  # a codec between other things than bytes and text, such as "hex"
        return None
    return None if found in _NO_CHARSETS else found


def escaped(data: bytes) -> str | None:
    """The charset that the escape sequences of ISO 2022 betray."""
    if b"\x1b" not in data:
        return None
    for mark, name in _ESCAPES:
        if mark in data and can_decode(data, name):
            return name
    return None


def guessed(data: bytes) -> str:
    """Guess the charset of text that is neither UTF-8 nor UTF-16."""
    import chardet  # its import takes some milliseconds, and few documents need it

    sample = _sample(data)
    few = sum(map(len, _FOREIGN.findall(sample))) <= _FEW_BYTES
    if few and can_decode(sample, "cp1252") and _WESTERN.fullmatch(sample.decode("cp1252")):
        return "cp1252"
    found = chardet.detect_all(
        sample,
        ignore_threshold=True,
        prefer_superset=False,
        compat_names=False,
        exclude_encodings=_RARE,
    )
    names = [name.lower() for guess in found[:_CANDIDATES] if (name := guess["encoding"])]
    name = next((name for name in names if _is_plausible(sample, name)), None)
    if name is None:
        return "cp1252"
    wider = _WIDER.get(name)
    if wider and (can_decode(data, wider) or not can_decode(data, name)):
        return wider
    return name


def _is_plausible(sample: bytes, name: str) -> bool:
    """Whether few words mix Latin letters with those of other scripts, or with symbols."""
    try:
        text = sample.decode(name)
    except (UnicodeDecodeError, LookupError):
        return False
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    odd = sum(len(kind.findall(text)) for kind in (_MIXED_WORD, _SYMBOL_IN_WORD, _C1_CONTROL))
    return odd <= _MAX_ODD_SHARE * foreign


def wide(data: bytes) -> str | None:
    """UTF-16 without a byte order mark."""
    return wide_charset(data[:SAMPLE_BYTES])


def mixed(data: bytes) -> str:
    """Decode UTF-8 with single letters of windows-1252, as logs of many programs have them."""

    def letters(found: re.Match[bytes]) -> bytes:
        run = found[0]
        if can_decode(run, "utf-8") or not _LETTERS.fullmatch(run):
            return run
        return run.decode("cp1252").encode()

    return _FOREIGN.sub(letters, data).decode("utf-8", "replace")


def can_decode(data: bytes, name: str) -> bool:
    """Whether a codec decodes all bytes."""
    try:
        data.decode(name)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _sample(data: bytes) -> bytes:
    """A part of the data around the first bytes that are not ASCII, cut at the ends of lines."""
    first = _FOREIGN.search(data)
    start = max(0, first.start() - SAMPLE_BYTES // 4) if first else 0
    if start:
        start = data.find(b"\n", start, first.start() if first else None) + 1 or start
    sample = data[start : start + SAMPLE_BYTES]
    end = sample.rfind(b"\n", SAMPLE_BYTES // 2)
    return sample[: end + 1] if end > 0 and len(sample) == SAMPLE_BYTES else sample
