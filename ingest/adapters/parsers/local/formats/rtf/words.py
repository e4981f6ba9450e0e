"""Control words of RTF that the reader knows, and the charsets of fonts."""

import codecs

SKIPPED = frozenset(
    {"fonttbl", "colortbl", "stylesheet", "info", "pict", "nonshppict", "objdata", "objclass"}
    | {"fldinst", "xe", "tc", "rxe", "bkmkstart", "bkmkend", "sp", "nonesttables", "upr"}
    | {"listtable", "listoverridetable", "revtbl", "rsidtbl", "filetbl", "generator", "themedata"}
    | {"datastore", "latentstyles", "colorschememapping", "datafield", "formfield", "atnid"}
    | {"atnauthor", "atnref", "atndate", "template", "pnseclvl", "mmathPr"}
)
"""Groups whose words are no text of the document."""
DATA = frozenset({"pict", "objdata", "fldinst"})
"""Some programs write other words before these."""
STARRED = frozenset(
    {"shpinst", "shptxt", "annotation", "htmltag", "ud", "shppict", "do", "moMath", "moMathPara"}
)
"""Groups that a reader may skip when it does not know them; this one knows these."""
NOTES = {"footnote": "", "annotation": "Comment: "}
RUNNING = frozenset(
    {"header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf"}
)
"""Texts at the head or foot of pages."""
CHARACTERS = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "column": "\n",
    "softline": "\n",
    "zwj": "\u200d",
    "zwnj": "\u200c",
    "ltrmark": "\u200e",
    "rtlmark": "\u200f",
    "mden": "/",  # of a formula: below a fraction, raised, lowered
    "msup": "^",
    "msub": "_",
}
SYMBOLS = {"~": " ", "_": "-", "\n": "\n", "\r": "\n", "{": "{", "}": "}", "\\": "\\", "\t": "\t"}
PARAGRAPH_ENDS = frozenset({"par", "sect", "page"})

_CHARSETS = {
    77: 10000,
    128: 932,
    129: 949,
    130: 1361,
    134: 936,
    136: 950,
    161: 1253,
    162: 1254,
    163: 1258,
    177: 1255,
    178: 1256,
    186: 1257,
    204: 1251,
    222: 874,
    238: 1250,
    254: 437,
    255: 850,
}
"""Code pages of fonts; a font of another charset has that of the document."""
_CODECS = {1361: "johab", 936: "gb18030", 65001: "utf-8", 10000: "mac_roman", 10007: "mac_cyrillic"}
SYMBOL_CHARSET = 2
_GREEK = dict(
    zip(
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ",
        strict=True,
    )
)
_SYMBOL_FONT = {**_GREEK, 0xA3: "≤", 0xB1: "±", 0xB3: "≥", 0xB4: "×", 0xB7: "•", 0xB9: "≠"}


def codec_of(page: int) -> str:
    """The codec of a code page; Windows' own for western languages when there is none."""
    name = _CODECS.get(page, f"cp{page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def page_of_charset(charset: int) -> int | None:
    """The code page of a font's charset."""
    return _CHARSETS.get(charset)


def symbols(raw: bytes) -> str:
    """Text in the font Symbol, whose letters are Greek."""
    return "".join(_SYMBOL_FONT.get(byte, chr(byte)) for byte in raw)
