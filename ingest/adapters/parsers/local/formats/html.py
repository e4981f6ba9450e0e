"""Reads HTML: headings, paragraphs, lists, tables and code, without links and navigation."""

from ingest.adapters.parsers.local.draft import Draft, clean
from ingest.adapters.parsers.local.formats.trees import Element, html_tree, local_name, walk

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SKIPPED = frozenset(
    {"head", "script", "style", "template", "noscript", "nav", "svg", "iframe", "object"}
    | {"select", "datalist"}
)
_BLOCKS = frozenset(
    {"html", "body", "main", "article", "section", "header", "footer", "aside", "address"}
    | {"div", "p", "pre", "blockquote", "center", "hr", "figure", "figcaption", "hgroup"}
    | {"ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "dialog"}
    | {"table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"}
    | {"form", "fieldset", "legend"}
)
_LISTS = frozenset({"ul", "ol"})
_CELLS = frozenset({"td", "th"})
_NOT_IN_CELLS = ("{*}table", "{*}ul", "{*}ol", "{*}pre", *(f"{{*}}{name}" for name in _HEADINGS))
_BREAK = "\0"


def parse_html(markup: str, draft: Draft, *, is_page: bool = True) -> None:
    """Read the body of a page, without its metadata.

    Raises:
        ParserLimitExceeded: elements are nested too deeply.
    """
    root = html_tree(clean(markup))
    if root is None:
        return
    writer = _HtmlWriter(draft, layout=_layout_tables(root))
    steps = walk(root)
    for event, element in steps:
        name = local_name(element)
        if event == "start":
            if name in _SKIPPED:
                steps.skip_subtree()
            else:
                writer.open(name, element)
        else:
            if name not in _SKIPPED:
                writer.close(name)
            writer.write(element.tail)
    writer.end_block()


def _layout_tables(root: Element) -> set[Element]:
    """Find tables that are used for layout: they contain blocks that data cells do not have."""
    found: set[Element] = set()
    for element in root.iter(*_NOT_IN_CELLS):
        for table in element.iterancestors("{*}table"):
            if table in found:
                break
            found.add(table)
    return found


class _HtmlWriter:
    """Writes the blocks of a page into a draft, one block at a time."""

    def __init__(self, draft: Draft, *, layout: set[Element]) -> None:
        self._draft = draft
        self._layout = layout
        self._pieces: list[str] = []
        self._level: int | None = None
        self._lists = 0
        self._mark = ""
        self._pre = 0
        self._rows: list[list[str]] | None = None
        self._in_cell = False

    def open(self, name: str, element: Element) -> None:
        """Begin an element."""
        if name in _BLOCKS or name in _HEADINGS:
            self.end_block()
            self._open_block(name, element)
        elif name == "br":
            self._pieces.append(_BREAK)
        elif name == "img":
            self._pieces.append(f" {element.get('alt') or ''} ")
        self.write(element.text)

    def _open_block(self, name: str, element: Element) -> None:
        if name in _HEADINGS:
            self._level = _HEADINGS[name]
        elif name in _LISTS:
            self._lists += 1
        elif name == "li":
            self._mark = "  " * (self._lists - 1) + "- "
        elif name == "pre":
            self._pre += 1
        elif name == "table" and element not in self._layout:
            self._rows = []
        elif name == "tr" and self._rows is not None:
            self._rows.append([])
        elif name in _CELLS and self._rows:
            self._in_cell = True

    def close(self, name: str) -> None:
        """End an element."""
        if self._in_cell and name in _CELLS and self._rows:
            self._in_cell = False
            self._rows[-1].append(self._take())
        elif name in _HEADINGS and self._level is not None:
            level, self._level = self._level, None
            self._draft.add_heading(level, self._take())
        elif name in _BLOCKS:
            self.end_block()
        if name in _LISTS:
            self._lists -= 1
        elif name == "pre":
            self._pre -= 1
        elif name == "table" and self._rows is not None:
            rows, self._rows = self._rows, None
            self._draft.add_table(rows)

    def write(self, text: str | None) -> None:
        """Add text to the present block."""
        if text:
            self._pieces.append(text)

    def end_block(self) -> None:
        """Write the present block to the draft; inside a heading or a cell, only separate words."""
        if self._in_cell or self._level is not None:
            self._pieces.append(" ")
        elif self._pre:
            code = "".join(self._pieces).replace(_BREAK, "\n").strip("\n")
            self._pieces.clear()
            if code.strip():
                self._draft.add(f"```\n{code}\n```")
        elif text := self._take():
            self._draft.add(self._mark + text, tight=self._lists > 0)
            self._mark = ""

    def _take(self) -> str:
        lines = "".join(self._pieces).split(_BREAK)
        self._pieces.clear()
        return "\n".join(" ".join(line.split()) for line in lines).strip("\n")
