"""A font for Chinese, Japanese and Korean text whose own font is not in the file.

Without one PDFium gives such letters empty boxes, and leaves out text objects of no width: letters
that are placed one by one, or from top to bottom. All letters of this font are one square.
"""

import ctypes
import functools
import struct
from typing import Any

import pypdfium2.raw as pdfium_c

_GB2312 = 134
_CJK_CHARSETS = {128, 129, _GB2312, 136}
_HANDLE = 1
_EM = 1000
_BOX = (50, -100, 950, 800)
_FIRST, _LAST = 0x20, 0x3FFFF
_FACE = b"Squares\0"


class _Fonts:
    """PDFium's questions for fonts: those about other fonts go to its own answers."""

    def __init__(self) -> None:
        self._default = pdfium_c.FPDF_GetDefaultSystemFontInfo()
        self._data = _font()

    def map_font(self, _this: Any, *wanted: Any) -> int | None:
        """Find a font for a weight, a slant, a charset and so on."""
        if wanted[2] in _CJK_CHARSETS:
            return _HANDLE
        return self._ask("MapFont", *wanted) or None

    def font_data(self, _this: Any, font: int, table: int, buffer: Any, size: int) -> int:
        """Copy the font, or one of its tables."""
        if font != _HANDLE:
            return self._ask("GetFontData", font, table, buffer, size)
        return 0 if table else _copy(self._data, buffer, size)

    def face_name(self, _this: Any, font: int, buffer: Any, size: int) -> int:
        """Copy the name."""
        if font != _HANDLE:
            return self._ask("GetFaceName", font, buffer, size)
        return _copy(_FACE, buffer, size)

    def charset(self, _this: Any, font: int) -> int:
        """Tell the charset."""
        return _GB2312 if font == _HANDLE else self._ask("GetFontCharset", font)

    def delete(self, _this: Any, font: int) -> None:
        """Free a font."""
        if font != _HANDLE:
            self._ask("DeleteFont", font)

    def _ask(self, name: str, *values: Any) -> int:
        own = getattr(self._default.contents, name) if self._default else None
        return (own(self._default, *values) or 0) if own else 0


@functools.cache
def install() -> object:
    """Let PDFium use the font in this process, from now on; the result keeps it alive."""
    info = pdfium_c.FPDF_SYSFONTINFO()
    info.version = 1
    kinds: dict[str, Any] = dict(pdfium_c.FPDF_SYSFONTINFO._fields_)
    fonts = _Fonts()
    info.MapFont = kinds["MapFont"](fonts.map_font)
    info.GetFontData = kinds["GetFontData"](fonts.font_data)
    info.GetFaceName = kinds["GetFaceName"](fonts.face_name)
    info.GetFontCharset = kinds["GetFontCharset"](fonts.charset)
    info.DeleteFont = kinds["DeleteFont"](fonts.delete)
    pdfium_c.FPDF_SetSystemFontInfo(ctypes.byref(info))
    return info, fonts


def _copy(data: bytes, buffer: Any, size: int) -> int:
    if buffer and size >= len(data):
        ctypes.memmove(buffer, data, len(data))
    return len(data)


def _font() -> bytes:
    """Write a TrueType font whose character map gives all characters the same letter."""
    left, low, right, high = _BOX
    corners = [(left, low), (right, low), (right, high), (left, high)]
    across = [x - past for (x, _), past in zip(corners, (0, left, right, right), strict=True)]
    up = [y - past for (_, y), past in zip(corners, (0, low, low, high), strict=True)]
    square = struct.pack(">5hHH4B8h", 1, *_BOX, 3, 0, 1, 1, 1, 1, *across, *up)
    square += b"\0" * (-len(square) % 4)
    names = [(1, "Squares"), (2, "Regular"), (4, "Squares"), (6, "Squares")]
    records, strings = b"", b""
    for kind, name in names:
        text = name.encode("utf-16-be")
        records += struct.pack(">6H", 3, 1, 0x409, kind, len(text), len(strings))
        strings += text
    return _tables(
        {
            b"cmap": struct.pack(">HHHHL", 0, 1, 3, 10, 12)
            + struct.pack(">HHLLLLLL", 13, 0, 28, 0, 1, _FIRST, _LAST, 1),
            b"glyf": square * 2,
            b"head": struct.pack(">4L2H2Q4h2H3h", *_HEAD, *_BOX, 0, 8, 2, 1, 0),
            b"hhea": struct.pack(">L3hH11hH", 0x10000, 880, -120, 0, _EM, *[0] * 11, 2),
            b"hmtx": struct.pack(">HhHh", _EM, left, _EM, left),
            b"loca": struct.pack(">3L", 0, len(square), 2 * len(square)),
            b"maxp": struct.pack(">L14H", 0x10000, 2, 4, 1, 0, 0, 1, *[0] * 8),
            b"name": struct.pack(">3H", 0, len(names), 6 + 12 * len(names)) + records + strings,
            b"post": struct.pack(">Lihh5L", 0x30000, *[0] * 8),
        }
    )


_HEAD = (0x10000, 0x10000, 0, 0x5F0F3CF5, 0, _EM, 0, 0)


def _tables(tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    directory = struct.pack(">LHHHH", 0x10000, count, 128, 3, count * 16 - 128)
    start = len(directory) + 16 * count
    body = b""
    for tag in sorted(tables):
        directory += tag + struct.pack(">3L", 0, start + len(body), len(tables[tag]))
        body += tables[tag] + b"\0" * (-len(tables[tag]) % 4)
    return directory + body
