"""Words of a page with their places, sizes and weights, in the order of painting."""

import array
import ctypes
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium_c

HYPHENS = "\x02\ufffe"
"""What PDFium writes for a hyphen at the end of a line."""
_WORD = re.compile(f"\n|[^\\s{HYPHENS}]+[{HYPHENS}]?|[{HYPHENS}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BOLD_WEIGHT = 600
_BOLD_FLAG = 1 << 18
_BOLD_NAMES = (b"bold", b"black", b"heavy", b"cmbx", b"medi")
_MONO_NAMES = (b"mono", b"courier", b"consol", b"cmtt", b"typewriter", b"menlo")
_FONT_NAME_BYTES = 128
_RAISED = frozenset("0123456789-\u2212+")
_SMALLER = 0.85
_FARTHEST = 1e6
"""Points: places beyond it are those of a damaged file."""
_RAISE = 0.1
_OVERLAP = 0.3
_UPRIGHT = 0.02


Mend = Callable[[str], str]


def page_text(textpage: Any) -> str:
    """All text of a page, one character for each UTF-16 code unit."""
    count = pdfium_c.FPDFText_CountChars(textpage)
    if count <= 0:
        return ""
    units = array.array("H", bytes(2 * (count + 1)))
    address = ctypes.cast(units.buffer_info()[0], ctypes.POINTER(ctypes.c_ushort))
    written = max(0, pdfium_c.FPDFText_GetText(textpage, 0, count, address) - 1)
    text = units[:written].tobytes().decode("utf-16-le", "surrogatepass")
    return text if len(text) == written else "".join(map(chr, units[:written]))


def _whole(text: str) -> str:
    """Make characters of pairs of surrogates."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@dataclass(frozen=True, slots=True)
class PagePlace:
    """How the coordinates of a page belong to the page as it is shown."""

    left: float
    low: float
    width: float
    """Of the page as it is shown."""
    height: float
    rotation: int
    """Quarter turns, clockwise."""
    top: float
    """The upper edge of a page that is not turned, in its own coordinates."""

    def shown(
        self, left: float, low: float, right: float, high: float
    ) -> tuple[float, float, float, float]:
        """Turn a box of the page's own coordinates into left, top, right, bottom as shown."""
        left, right = left - self.left, right - self.left
        low, high = low - self.low, high - self.low
        if self.rotation == 1:
            return low, left, high, right
        if self.rotation == 2:
            return self.width - right, low, self.width - left, high
        if self.rotation == 3:
            return self.width - high, self.height - right, self.width - low, self.height - left
        return left, self.height - high, right, self.height - low


def place_of(page: Any) -> PagePlace:
    """Ask PDFium for the place of a page."""
    box = pdfium_c.FS_RECTF()
    pdfium_c.FPDF_GetPageBoundingBox(page, ctypes.byref(box))
    height = pdfium_c.FPDF_GetPageHeightF(page)
    turns = max(0, pdfium_c.FPDFPage_GetRotation(page))
    width = pdfium_c.FPDF_GetPageWidthF(page)
    return PagePlace(box.left, box.bottom, width, height, turns, box.bottom + height)


@dataclass(slots=True)
class Word:
    """A run of characters without white space; y grows downwards, all numbers are points."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    base: float
    """Where the letters stand."""
    size: float
    """Size of the font on the page."""
    bold: bool
    mono: bool = False
    """Whether all letters of the font have one width."""

    @property
    def vertical(self) -> bool:
        """Whether its letters stand below each other."""
        return self.bottom - self.top > 1.6 * max(self.size, self.x1 - self.x0)


@dataclass(slots=True)
class Line:
    """Words that stand beside each other."""

    words: list[Word]
    turned: bool = False
    """Whether it does not run from left to right on the page as it is shown."""

    @property
    def text(self) -> str:
        """The words with a blank between them."""
        return " ".join([word.text for word in self.words])

    @property
    def x0(self) -> float:
        """The left end."""
        return min(self.words[0].x0, self.words[-1].x0)

    @property
    def x1(self) -> float:
        """The right end."""
        return max(self.words[0].x1, self.words[-1].x1)

    @property
    def base(self) -> float:
        """Where its letters stand."""
        return self.words[0].base

    @property
    def size(self) -> float:
        """The size of most of its letters."""
        first = self.words[0].size
        if self.words[-1].size == first:
            return first
        weights: dict[float, int] = {}
        for word in self.words:
            weights[word.size] = weights.get(word.size, 0) + len(word.text)
        return max(weights, key=lambda size: weights[size])

    def gaps(self, least: float) -> int:
        """How many gaps between words are wider than some sizes of the font."""
        if len(self.words) < 2:
            return 0
        count = 0
        least *= max(self.words[0].size, 4.0)
        end = self.words[0].x1
        for word in self.words:
            if word.x0 - end > least:
                count += 1
            end = word.x1
        return count

    @property
    def bold(self) -> bool:
        """Whether its first and its last word are bold."""
        return self.words[0].bold and self.words[-1].bold

    @property
    def mono(self) -> bool:
        """Whether its first and its last word are of a font for code."""
        return self.words[0].mono and self.words[-1].mono


class _LetterStyle(NamedTuple):
    """What words have in common as long as the boxes of their first letters do."""

    low: float
    high: float
    size: float
    bold: bool
    base: float
    turned: bool
    mono: bool


_NO_STYLE = _LetterStyle(0.0, 0.0, 0.0, False, 0.0, False, False)
# Two calls for each word: without a check of its arguments by ctypes a call takes half of the time.
_letter_box = ctypes.CFUNCTYPE(ctypes.c_int)(
    ctypes.cast(pdfium_c.FPDFText_GetLooseCharBox, ctypes.c_void_p).value or 0
)
_sides = struct.Struct("4f").unpack_from
"""Left, top, right and bottom of a box of PDFium."""


class PageReader:
    """Takes the words of one page from PDFium."""

    def __init__(self, textpage: Any, place: PagePlace) -> None:
        self._page = textpage
        self._place = place
        self._box = pdfium_c.FS_RECTF()
        self._box_ref = ctypes.byref(self._box)
        self._matrix = pdfium_c.FS_MATRIX()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
        self._flags = ctypes.c_int()
        self._fonts: dict[tuple[bytes, int], tuple[bool, bool]] = {}

    def lines(self, mend: Mend | None = None) -> list[Line]:
        """Lines as PDFium finds them.

        Args:
            mend: Replaces characters that say nothing; must keep their number.
        """
        text = page_text(self._page)
        exact = pdfium_c.FPDFText_CountChars(self._page) == len(text)
        wide = _SURROGATE.search(text) is not None
        if mend is not None:
            text = mend(text)
        lines: list[Line] = []
        words: list[Word] = []
        style = _NO_STYLE
        for match in _WORD.finditer(text):
            word = match.group()
            if word != "\n":
                first, last = match.start(), match.end() - 1
                if not exact:
                    first, last = self._char(first), self._char(last)
                style = self._add(words, word, first, last, style)
                if wide and _SURROGATE.search(word):
                    words[-1].text = _whole(words[-1].text)
            if words and (word == "\n" or word[-1] in HYPHENS):
                lines.append(Line(words, turned=style.turned))
                words, style = [], _NO_STYLE
        if words:
            lines.append(Line(words, turned=style.turned))
        return lines

    def _char(self, unit: int) -> int:
        return int(pdfium_c.FPDFText_GetCharIndexFromTextIndex(self._page, unit))

    def _add(
        self, words: list[Word], text: str, first: int, last: int, past: _LetterStyle
    ) -> _LetterStyle:
        """Append a word; its style is that of the word before while its letters are as high."""
        box, place = self._box, self._place
        _letter_box(self._page, first, self._box_ref)
        left, high, right, low = end_left, end_high, end_right, end_low = _sides(box)
        style = past if past.low == low and past.high == high else self._style(first, low, high)
        if first != last:
            _letter_box(self._page, last, self._box_ref)
            end_left, end_high, end_right, end_low = _sides(box)
        if place.rotation or style.turned:
            x0, top, x1, bottom = place.shown(
                min(left, end_left), min(low, end_low), max(right, end_right), max(high, end_high)
            )
        else:
            x0, x1 = left - place.left, end_right - place.left
            if x1 < x0:
                x0, x1 = end_left - place.left, right - place.left
            top, bottom = place.top - high, place.top - low
            if first != last:
                if end_high <= low + (high - low) * _OVERLAP and x1 - x0 < 2 * style.size:
                    bottom = place.top - end_low
                elif text[-1] in _RAISED:
                    text = self._with_power(text, first, last, end_high - end_low, high - low)
        if not -_FARTHEST < x0 <= x1 < _FARTHEST:
            x0 = x1 = 0.0
        words.append(
            Word(text, x0, x1, top, bottom, style.base, style.size, style.bold, style.mono)
        )
        return style

    def _with_power(self, text: str, first: int, last: int, end: float, height: float) -> str:
        """Write ^ between a digit and a smaller number that stands above it."""
        if end > _SMALLER * height or last - first + 1 != len(text):
            return text
        box, page = self._box, self._page
        start = len(text) - 1
        while start > 0 and text[start - 1] in _RAISED:
            pdfium_c.FPDFText_GetLooseCharBox(page, first + start - 1, self._box_ref)
            if abs(box.top - box.bottom - end) > 0.1 * end:
                break
            start -= 1
        if not start or not text[start - 1].isdigit():
            return text
        heights = []
        for index in (first + start - 1, first + start):
            pdfium_c.FPDFText_GetCharOrigin(page, index, self._x, self._y)
            heights.append(self._y.value)
        raised = heights[1] - heights[0] > _RAISE * height
        return f"{text[:start]}^{text[start:]}" if raised else text

    def _style(self, index: int, low: float, high: float) -> _LetterStyle:
        page, matrix = self._page, self._matrix
        size = pdfium_c.FPDFText_GetFontSize(page, index)
        turned = False
        if pdfium_c.FPDFText_GetMatrix(page, index, ctypes.byref(matrix)):
            if matrix.b or matrix.c or matrix.a != matrix.d or self._place.rotation:
                turned = self._is_turned(math.atan2(matrix.b, matrix.a))
            size *= math.hypot(matrix.c, matrix.d)
        pdfium_c.FPDFText_GetCharOrigin(page, index, self._x, self._y)
        x, y = self._x.value, self._y.value
        base = self._place.shown(x, y, x, y)[1]
        if not (abs(base) < _FARTHEST and size < _FARTHEST):
            base = size = 0.0
        bold, mono = self._font(index)
        return _LetterStyle(low, high, round(size, 1), bold, base, turned, mono)

    def _is_turned(self, angle: float) -> bool:
        shown = angle - math.radians(90 * self._place.rotation)
        return abs(math.sin(shown)) > _UPRIGHT or math.cos(shown) < 0

    def _font(self, index: int) -> tuple[bool, bool]:
        """Whether the font is bold, and whether it is for code."""
        length = pdfium_c.FPDFText_GetFontInfo(
            self._page, index, self._name, _FONT_NAME_BYTES, ctypes.byref(self._flags)
        )
        key = (self._name.raw[: max(0, min(length, _FONT_NAME_BYTES) - 1)], self._flags.value)
        if key not in self._fonts:
            name, flags = key[0].lower(), key[1]
            bold = (
                bool(flags & _BOLD_FLAG)
                or any(part in name for part in _BOLD_NAMES)
                or pdfium_c.FPDFText_GetFontWeight(self._page, index) >= _BOLD_WEIGHT
            )
            mono = bool(flags & 1) or any(part in name for part in _MONO_NAMES)
            self._fonts[key] = (bold, mono)
        return self._fonts[key]
