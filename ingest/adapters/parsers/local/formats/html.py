"""Reads HTML: title, headings, paragraphs, lists, tables and code, without links and navigation."""

from ingest.adapters.parsers.local.draft import Draft, clean
from ingest.adapters.parsers.local.formats.encoded_data import leave_out_data
from ingest.adapters.parsers.local.formats.page.drawn import DRAWN, drawn_text
from ingest.adapters.parsers.local.formats.page.inline import JOINT, marked, resolved
from ingest.adapters.parsers.local.formats.page.lists import Lists
from ingest.adapters.parsers.local.formats.page.mathml import math_text
from ingest.adapters.parsers.local.formats.page.scope import left_out
from ingest.adapters.parsers.local.formats.page.tables import Cell, grid, layout_tables
from ingest.adapters.parsers.local.formats.page.title import Preface, preface_of
from ingest.adapters.parsers.local.formats.trees import (
    Element,
    flattened,
    html_tree,
    local_name,
    walk,
)
from ingest.domain.errors import ParserLimitExceeded
from ingest.domain.parse_warning import WarningCode

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SKIPPED = frozenset(
    {"head", "script", "style", "template", "noscript", "iframe", "object", "datalist", "rp"}
)
_BLOCKS = frozenset(
    {"html", "body", "main", "article", "section", "header", "footer", "aside", "address", "nav"}
    | {"div", "p", "pre", "blockquote", "center", "hr", "figure", "figcaption", "hgroup"}
    | {"ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "dialog", "search", "menu"}
    | {"table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"}
    | {"form", "fieldset", "legend", "listing", "xmp", "plaintext"}
)
_LISTS = frozenset({"ul", "ol", "dl", "menu"})
_CELLS = frozenset({"td", "th"})
_CODE = frozenset({"pre", "listing", "xmp", "plaintext"})
_MARKED = frozenset({"sup", "sub", "del", "s", "strike", "rt", "q"})
_APART = frozenset({"button", "textarea", "video", "audio", "canvas", "marquee"})
"""Elements in a line whose text does not touch the text beside them."""
_BREAK = "\0"
_SOFT_HYPHEN = "\N{SOFT HYPHEN}"
_LONG_CHARS = 200
_MAX_LOST_SHARE = 0.01
_MAX_LOST_CHARS = 20
_PICTURE_CHARS = 2000
"""Shorter pictures in the page itself are icons."""


def parse_html(markup: str, draft: Draft, *, is_page: bool = True) -> None:
    """Read HTML.

    Args:
        markup: A page, or a part of one.
        draft: Gets the text.
        is_page: Whether it is a page of its own: it has a title, and a header and footer around
            the article, which are left out.
    """
    markup = clean(markup).replace(JOINT, "")
    try:
        root = html_tree(markup)
    except ParserLimitExceeded:
        root = html_tree(flattened(markup))
        draft.warn(
            WarningCode.REPAIRED,
            "the page is nested too deeply; its text was read without its structure",
        )
    if root is None:
        return
    skipped = left_out(root, markup, draft, is_page=is_page)
    preface = preface_of(root) if is_page else None
    writer = _HtmlWriter(draft, layout=layout_tables(root), preface=preface)
    steps = walk(root)
    for event, element in steps:
        name = local_name(element)
        if event == "start":
            if name == "math":
                writer.write(f"{JOINT}{math_text(element)}{JOINT}")
                steps.skip_subtree()
            elif name in DRAWN and element not in skipped:
                writer.write(drawn_text(name, element))
                steps.skip_subtree()
            elif _is_skipped(name, element) or element in skipped:
                writer.separate(name)
                steps.skip_subtree()
            else:
                writer.open(name, element)
        else:
            if not (name == "math" or name in DRAWN or _is_skipped(name, element)) and (
                element not in skipped
            ):
                writer.close(name)
            writer.write(element.tail)
    writer.finish()


def _is_skipped(name: str, element: Element) -> bool:
    if name == "template":
        return element.get("shadowrootmode") is None
    return name in _SKIPPED


class _HtmlWriter:
    """Writes the blocks of a page into a draft, one block at a time."""

    def __init__(self, draft: Draft, *, layout: set[Element], preface: Preface | None) -> None:
        self._draft = draft
        self._layout = layout
        self._preface = preface
        self._pieces: list[str] = []
        self._marks: list[tuple[str, int, bool]] = []
        self._level: int | None = None
        self._lists = Lists()
        self._mark = ""
        self._pre = 0
        self._rows: list[list[Cell]] | None = None
        self._in_cell: Cell | None = None
        self._pictures = 0
        self._given = self._written = 0

    def open(self, name: str, element: Element) -> None:
        """Begin an element."""
        if name in _BLOCKS or name in _HEADINGS:
            self.end_block()
            self._open_block(name, element)
        elif name == "br":
            self._pieces.append(_BREAK)
        elif name == "img":
            self._pieces.append(f" {element.get('alt') or ''} ")
            source = element.get("src") or ""
            self._pictures += source.startswith("data:") and len(source) > _PICTURE_CHARS
        elif name in _APART:
            self._pieces.append(" ")
        elif name in _MARKED:
            has_link = next(element.iter("{*}a"), None) is not None
            self._marks.append((name, len(self._pieces), has_link))
        self.write(element.text)

    def separate(self, name: str) -> None:
        """Keep the words before and after a block that is left out apart."""
        if name in _BLOCKS:
            self.end_block()

    def _open_block(self, name: str, element: Element) -> None:
        if name in _HEADINGS:
            self._level = _HEADINGS[name]
        elif name in _LISTS:
            self._lists.open(name, element)
        elif name == "li" and self._in_cell is not None:
            if "".join(self._pieces).strip():
                self._pieces.append("; ")
        elif name in {"li", "dd"}:
            self._mark = self._lists.mark(name, element)
        elif name in _CODE:
            self._pre += 1
        elif name == "table" and element not in self._layout:
            self._rows = []
        elif name == "tr" and self._rows is not None:
            self._rows.append([])
        elif name in _CELLS and self._rows:
            self._in_cell = Cell.of(element, is_head=name == "th")

    def close(self, name: str) -> None:
        """End an element."""
        if self._in_cell is not None and name in _CELLS and self._rows:
            self._in_cell.text, cell = self._take(), self._in_cell
            self._in_cell = None
            self._rows[-1].append(cell)
        elif name in _HEADINGS and self._level is not None:
            level, self._level = self._level, None
            title = self._take()
            self._count(title)
            self._draft.add_heading(level, title)
        elif name in _BLOCKS:
            self.end_block()
        elif name in _APART:
            self._pieces.append(" ")
        elif name in _MARKED:
            self._close_mark(name)
        if name in _LISTS:
            self._lists.close()
        elif name in _CODE:
            self._pre = max(0, self._pre - 1)
        elif name == "table" and self._rows is not None:
            rows, self._rows, self._in_cell = self._rows, None, None
            self._count("".join(cell.text for row in rows for cell in row))
            self._draft.add_table(grid(rows))

    def _close_mark(self, name: str) -> None:
        if not self._marks:
            return
        _, start, has_link = self._marks.pop()
        inside = "".join(self._pieces[start:])
        del self._pieces[start:]
        before = next((piece for piece in reversed(self._pieces) if piece), "")
        self._pieces.append(marked(name, inside, before=before, has_link=has_link))

    def write(self, text: str | None) -> None:
        """Add text to the present block."""
        if text:
            if len(text) > _LONG_CHARS:
                text = leave_out_data(text, self._draft)
            text = text.replace(_SOFT_HYPHEN, "")
            self._given += _visible(text)
            self._pieces.append(text)

    def end_block(self) -> None:
        """Write the present block to the draft; inside a heading or a cell, only separate words."""
        if self._in_cell is not None or self._level is not None:
            self._pieces.append(" ")
        elif self._pre:
            code = resolved("".join(self._pieces)).replace(_BREAK, "\n").strip("\n")
            self._pieces.clear()
            if code.strip():
                self._count(code)
                self._draft.add(f"```\n{code}\n```")
        elif text := self._take():
            self._count(text)
            self._draft.add(self._mark + text, tight=bool(self._lists))
            self._mark = ""

    def finish(self) -> None:
        """Write the last block."""
        self.end_block()
        if self._pictures:
            self._draft.warn(
                WarningCode.DATA_LEFT_OUT,
                f"{self._pictures} pictures inside the page were left out",
            )

        if (lost := self._given - self._written) > _MAX_LOST_SHARE * self._given + _MAX_LOST_CHARS:
            self._draft.warn(
                WarningCode.PART_NOT_READ,
                f"{lost} of the {self._given} characters of the page were not read",
            )

    def _count(self, text: str) -> None:
        """Count a block that is to be written; before the first come title and description."""
        self._written += _visible(text)
        if text and self._preface is not None:
            preface, self._preface = self._preface, None
            preface.write(self._draft)

    def _take(self) -> str:
        lines = resolved("".join(self._pieces)).split(_BREAK)
        self._pieces.clear()
        self._marks.clear()
        return "\n".join(" ".join(line.split()) for line in lines).strip("\n")


def _visible(text: str) -> int:
    """Count the characters that are no white space, in a fraction of the time of ``split``."""
    blanks = text.count(" ") + text.count("\n") + text.count("\t") + text.count("\xa0")
    return len(text) - blanks - text.count(JOINT) - text.count(_BREAK)
