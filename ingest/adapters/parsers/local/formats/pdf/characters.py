"""Characters that say nothing: private ones and controls of fonts with wrong names of letters."""

import re
from collections.abc import Callable

import pypdfium2

from ingest.adapters.parsers.local.formats.pdf.words import page_text

_LETTERS = {
    0xF001: "ﬁ", 0xF002: "ﬂ", 0xF0B7: "•", 0xF0A7: "▪", 0xF0D8: "➢", 0xF0FC: "✓",
    0xF6BE: "ȷ", 0xF6C3: ",", 0xF6DC: "1", 0xF6E2: "0", 0xF8E6: "|", 0xF8E7: "-",
    0xF6D9: "©", 0xF6DA: "®", 0xF6DB: "™", 0xF8E8: "®", 0xF8E9: "©", 0xF8EA: "™",
}  # fmt: skip
"""Of Adobe's corporate use subarea, and of Symbol and Wingdings in the private area."""
_SMALL_CAPITALS = range(0xF761, 0xF77B)
_OLD_DIGITS = range(0xF730, 0xF73A)
_NOTHING = re.compile("[\ue000-\uf8ff\x00\x01\x03-\x08\x0b\x0c\x0e-\x1f]")


class Characters:
    """Mends the text of pages, with a second reading of the file that believes no ToUnicode map."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._second: pypdfium2.PdfDocument | None = None

    def mender(self, page: int) -> Callable[[str], str]:
        """What mends the text of a page, which counts from 0."""
        return lambda text: self._mend(text, page) if _NOTHING.search(text) else text

    def close(self) -> None:
        """Free the second reading."""
        if self._second is not None:
            self._second.close()

    def _mend(self, text: str, page: int) -> str:
        other = self._read(page)
        if len(other) != len(text):
            return _NOTHING.sub(lambda match: _known(match.group()), text)
        return "".join(
            _better(char, otherwise) if _NOTHING.match(char) else char
            for char, otherwise in zip(text, other, strict=True)
        )

    def _read(self, page: int) -> str:
        if b"/ToUnicode" not in self._data:
            return ""
        try:
            if self._second is None:
                blind = self._data.replace(b"/ToUnicode", b"/NoUnicode")
                self._second = pypdfium2.PdfDocument(blind)
            found = self._second[page]
            try:
                text = found.get_textpage()
                try:
                    return page_text(text.raw)
                finally:
                    text.close()
            finally:
                found.close()
        except pypdfium2.PdfiumError:
            return ""


def _better(char: str, otherwise: str) -> str:
    plain = otherwise > " " and not _NOTHING.match(otherwise) and otherwise not in "\ufffe\ufffd"
    return otherwise if plain else _known(char)


def _known(char: str) -> str:
    code = ord(char)
    if code in _SMALL_CAPITALS:
        return chr(code - 0xF700 - 0x20)
    if code in _OLD_DIGITS:
        return chr(code - 0xF700)
    if code in (0x0B, 0x0C):
        return " "
    return _LETTERS.get(code, char)
