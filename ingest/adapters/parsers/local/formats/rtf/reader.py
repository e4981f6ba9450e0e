"""Follows the groups and control words of an RTF file."""

import re
from dataclasses import dataclass, field, replace
from html import escape

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.office.not_read import warn_of_pictures
from ingest.adapters.parsers.local.formats.rtf.words import (
    CHARACTERS,
    DATA,
    NOTES,
    PARAGRAPH_ENDS,
    RUNNING,
    SKIPPED,
    STARRED,
    SYMBOL_CHARSET,
    SYMBOLS,
    codec_of,
    page_of_charset,
    symbols,
)
from ingest.adapters.parsers.local.formats.rtf.writer import RtfWriter
from ingest.domain.errors import ParserLimitExceeded
from ingest.domain.parse_warning import WarningCode

MAX_DEPTH = 10_000
_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9a-fA-F]{2})"
    r"|\\(?P<symbol>[^a-zA-Z'])|(?P<brace>[{}])|[\r\n]+|(?P<text>[^\\{}\r\n]+)|(?P<stray>\\)",
    re.DOTALL,
)
_FROM_HTML = "\\fromhtml1"
_HEAD_CHARS = 2000
_TITLE_LEVELS = {"title": 1, "subtitle": 2}
_HEADING_STYLE = re.compile(r"heading (\d)")


@dataclass(slots=True)
class _Group:
    """What a group inherits from the one around it."""

    place: str = "text"
    """``text``, ``skip``, ``fonttbl``, ``stylesheet``, ``mark`` (of a list) or ``htmltag``."""
    font: int = -1
    skip_after_unicode: int = 1
    hidden: bool = False
    deleted: bool = False
    raised: bool = False
    starred: bool = False
    note: bool = False


@dataclass(slots=True)
class _Font:
    page: int | None = None
    is_symbol: bool = False


@dataclass(slots=True)
class _Tables:
    fonts: dict[int, _Font] = field(default_factory=dict)
    font: int = 0
    style: int = 0
    style_name: str = ""


def parse_rtf(data: bytes, draft: Draft) -> None:
    """Read a document; headers, footers and notes come last; pictures are left out.

    Raises:
        ParserLimitExceeded: groups are nested too deeply.
    """
    text = data.decode("latin-1")
    _RtfReader(text, draft, from_html=_FROM_HTML in text[:_HEAD_CHARS]).read()


class _RtfReader:
    def __init__(self, text: str, draft: Draft, *, from_html: bool) -> None:
        self._source = text
        self._draft = draft
        self._writer = RtfWriter(draft)
        self._html: list[str] | None = [] if from_html else None
        self._group = _Group()
        self._stack: list[_Group] = []
        self._tables = _Tables()
        self._page = 1252
        self._default_font = -1
        self._raw = bytearray()
        self._unit = 0
        self._skip = 0
        self._fresh = False
        self._hidden = False
        self._pictures = 0

    def read(self) -> None:
        """Read to the end."""
        at, end, match = 0, len(self._source), _TOKEN.match
        while at < end and (token := match(self._source, at)):
            at = token.end()
            word = token["word"]
            if word == "bin":
                at += max(0, int(token["number"] or 0))
            elif word:
                self._control(word, token["number"])
            elif token["text"]:
                self._bytes(token["text"].encode("latin-1"))
            elif token["hex"]:
                self._bytes(bytes((int(token["hex"], 16),)))
            elif token["brace"]:
                self._brace(token["brace"])
                if not self._stack:
                    break
            elif token["symbol"]:
                self._symbol(token["symbol"])
        self._finish()

    def _finish(self) -> None:
        self._flush()
        if self._stack:
            self._draft.warn(
                WarningCode.REPAIRED, "the RTF file ends inside a group; its end may be missing"
            )
        if self._hidden:
            self._draft.warn(WarningCode.HIDDEN_TEXT_LEFT_OUT, "hidden text is left out")
        warn_of_pictures(self._draft, self._pictures)
        if self._html is None:
            self._writer.end()
        else:
            parse_html("".join(self._html), self._draft)

    def _brace(self, brace: str) -> None:
        self._flush()
        self._skip = 0
        if brace == "{":
            self._stack.append(self._group)
            if len(self._stack) > MAX_DEPTH:
                raise ParserLimitExceeded(f"the RTF has groups more than {MAX_DEPTH} deep")
            self._group = replace(self._group, starred=False)
            self._fresh = True
            return
        if not self._stack:
            return
        inner, self._group = self._group, self._stack.pop()
        if inner.note and not self._group.note:
            self._writer.end_note()
        if inner.place == "mark" and self._group.place != "mark":
            self._writer.end_mark()
        if inner.place == "stylesheet" and self._tables.style_name:
            self._end_style()

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._group.starred = True
        elif symbol in "\r\n":
            self._control("par", None)
        elif symbol in SYMBOLS:
            self._text(SYMBOLS[symbol])

    def _control(self, word: str, number: str | None) -> None:
        value = int(number) if number else None
        if word == "u" and value is not None:
            self._unicode(value & 0xFFFF)
            return
        self._flush()
        first, self._fresh = self._fresh, False
        if (first or word in DATA) and self._destination(word):
            return
        if self._group.place == "skip":
            return
        if self._group.place in {"fonttbl", "stylesheet"}:
            self._define(word, value or 0)
            return
        self._format(word, value)

    def _destination(self, word: str) -> bool:
        """Whether the word says what the group is for."""
        group = self._group
        if word == "ud":
            group.place = "text"
        elif group.place == "skip":
            return True
        elif word in {"fonttbl", "stylesheet"}:
            group.place = word
        elif word in {"listtext", "pntext"}:
            group.place = "mark"
            self._writer.begin_mark()
        elif word == "htmltag":
            group.place = "htmltag"
        elif word in NOTES:
            group.note = True
            self._writer.begin_note(NOTES[word])
        elif word in RUNNING:
            group.note = True
            self._writer.begin_note("", running=True)
        elif word in SKIPPED or (group.starred and word not in STARRED):
            if word == "objdata":
                self._draft.warn(WarningCode.PART_NOT_READ, "an embedded object is not read")
            self._pictures += word == "pict"
            group.place = "skip"
        else:
            return False
        return True

    def _define(self, word: str, value: int) -> None:
        """A word in the tables of fonts and styles."""
        tables = self._tables
        if word == "f" and self._group.place == "fonttbl":
            tables.font = value
            tables.fonts[value] = _Font()
        elif word == "fcharset" and tables.font in tables.fonts:
            tables.fonts[tables.font].page = page_of_charset(value)
            tables.fonts[tables.font].is_symbol = value == SYMBOL_CHARSET
        elif word == "cpg" and tables.font in tables.fonts and value:
            tables.fonts[tables.font].page = value
        elif word in {"s", "cs", "ds", "ts"} and self._group.place == "stylesheet":
            tables.style = value if word == "s" else -1
        elif word == "outlinelevel":
            self._writer.set_style(tables.style, value + 1)

    def _end_style(self) -> None:
        name, self._tables.style_name = self._tables.style_name.strip(" ;").lower(), ""
        found = _HEADING_STYLE.match(name)
        level = int(found[1]) if found else _TITLE_LEVELS.get(name)
        if level and self._tables.style >= 0:
            self._writer.set_style(self._tables.style, level)
        self._tables.style = 0

    def _format(self, word: str, value: int | None) -> None:
        group = self._group
        if word in CHARACTERS:
            self._text(CHARACTERS[word])
        elif word in PARAGRAPH_ENDS and self._html is not None:
            self._text("\n")
        elif word == "f":
            group.font = value or 0
        elif word == "uc":
            group.skip_after_unicode = value or 0
        elif word in {"v", "htmlrtf"}:
            group.hidden = value != 0
        elif word == "deleted":
            group.deleted = value != 0
        elif word in {"super", "nosupersub", "sub"}:
            group.raised = word == "super" and value != 0
        elif word == "plain":
            group.hidden = group.deleted = group.raised = False
            group.font = self._default_font
        elif word in {"ansicpg", "mac", "pc", "pca", "deff"}:
            self._charset(word, value or 0)
        else:
            self._writer.control(word, value)

    def _charset(self, word: str, value: int) -> None:
        if word == "deff":
            self._default_font = self._group.font = value
        else:
            self._page = {"mac": 10000, "pc": 437, "pca": 850}.get(word, value or 1252)

    def _bytes(self, raw: bytes) -> None:
        self._fresh = False
        if self._skip:
            skipped = min(self._skip, len(raw))
            self._skip -= skipped
            raw = raw[skipped:]
        if self._group.place == "stylesheet":
            self._tables.style_name += raw.decode("latin-1")
        elif self._group.place not in {"skip", "fonttbl"}:
            if self._unit:
                self._flush()
            self._raw += raw

    def _unicode(self, unit: int) -> None:
        """A UTF-16 code unit; a pair of them is one character."""
        if self._raw:
            self._flush()
        self._fresh = False
        self._skip = self._group.skip_after_unicode
        if self._unit and 0xDC00 <= unit < 0xE000:
            code = 0x10000 + ((self._unit - 0xD800) << 10) + unit - 0xDC00
            self._unit = 0
            self._text(chr(code))
        elif 0xD800 <= unit < 0xDC00:
            self._unit = unit
        else:
            is_symbol = 0xF000 <= unit < 0xF100  # a character of a symbol font
            self._text(symbols(bytes((unit - 0xF000,))) if is_symbol else chr(unit))

    def _flush(self) -> None:
        """Decode the collected bytes: a character may be spread over several words."""
        if self._unit and self._raw:
            self._unit = 0
        if not self._raw:
            return
        raw, self._raw = bytes(self._raw), bytearray()
        number = self._group.font if self._group.font >= 0 else self._default_font
        font = self._tables.fonts.get(number, _Font())
        if font.is_symbol:
            self._text(symbols(raw))
        else:
            self._text(raw.decode(codec_of(font.page or self._page), "replace"))

    def _text(self, text: str) -> None:
        group = self._group
        if group.place in {"skip", "fonttbl", "stylesheet"} or group.deleted:
            return
        if self._html is not None:
            if group.place == "htmltag":
                self._html.append(text)
            elif not group.hidden:
                self._html.append(escape(text, quote=False))
        elif group.hidden:
            self._hidden = self._hidden or bool(text.strip())
        else:
            self._writer.write(text, raised=group.raised)
