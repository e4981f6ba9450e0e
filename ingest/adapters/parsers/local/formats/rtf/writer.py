"""Makes paragraphs, lists, tables and notes of the text of an RTF file."""

from dataclasses import dataclass, field

from ingest.adapters.parsers.local.draft import Draft

_MAX_LEVEL = 9


@dataclass(slots=True)
class _RtfParagraph:
    pieces: list[str] = field(default_factory=list)
    mark: str | None = None
    level: int | None = None
    style: int | None = None
    in_table: bool = False
    running: bool = False


class RtfWriter:
    """Writes a document's paragraphs into a draft; its notes come last."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._paragraph = _RtfParagraph()
        self._outside: list[_RtfParagraph] = []
        self._styles: dict[int, int] = {}
        self._rows: list[list[str]] = []
        self._cells: list[str] = []
        self._cell: list[str] = []
        self._notes: list[str] = []
        self._note: list[str] = []
        self._running: dict[str, None] = {}
        self._mark_at = 0

    def set_style(self, number: int, level: int) -> None:
        """Remember that paragraphs of a style are headings."""
        if 1 <= level <= _MAX_LEVEL:
            self._styles[number] = level

    def write(self, text: str, *, raised: bool = False) -> None:
        """Add text to the paragraph; a raised digit after a digit is an exponent."""
        pieces = self._paragraph.pieces
        if raised and text[:1].isdigit() and pieces and pieces[-1][-1:].isdigit():
            pieces.append("^")
        pieces.append(text)

    def control(self, word: str, value: int | None) -> None:
        """Follow a word that concerns paragraphs and tables; others do nothing."""
        paragraph = self._paragraph
        if word in {"par", "sect", "page"}:
            self._end_paragraph()
        elif word == "pard":
            paragraph.level = paragraph.style = None
            paragraph.in_table = False
        elif word == "intbl":
            paragraph.in_table = True
        elif word == "s":
            paragraph.style = value or 0
        elif word == "outlinelevel" and value is not None and value < _MAX_LEVEL:
            paragraph.level = value + 1
        elif self._outside and word in {"cell", "nestcell", "row"}:
            paragraph.pieces.append(" ")  # a note has no table of its own
        elif word in {"cell", "nestcell"}:
            self._end_cell(nested=word == "nestcell")
        elif word == "row":
            self._end_row()

    def begin_mark(self) -> None:
        """Begin the mark of a list item: its number or its bullet."""
        self._mark_at = len(self._paragraph.pieces)

    def end_mark(self) -> None:
        """End the mark of a list item."""
        pieces = self._paragraph.pieces
        mark = "".join(pieces[self._mark_at :]).strip()
        del pieces[self._mark_at :]
        self._paragraph.mark = mark if any(map(str.isalnum, mark)) else "-"

    def begin_note(self, label: str, *, running: bool = False) -> None:
        """Begin a note or comment, which stands inside the paragraph that it belongs to.

        A running text is one at the head or foot of pages.
        """
        self._outside.append(self._paragraph)
        self._paragraph = _RtfParagraph([label] if label else [], running=running)

    def end_note(self) -> None:
        """End a note."""
        self._end_note_paragraph()
        if self._paragraph.running:  # pages repeat them, and a number alone says nothing
            said = (" ".join(text.split()) for text in self._note)
            self._running |= dict.fromkeys(text for text in said if any(map(str.isalpha, text)))
        else:
            self._notes.append("\n\n".join(self._note))
        self._note.clear()
        self._paragraph = self._outside.pop()

    def end(self) -> None:
        """Write what is left, and the notes."""
        while self._outside:
            self.end_note()
        self._end_paragraph()
        if self._cells or self._cell:
            self._end_row()
        self._end_table()
        for note in (*self._notes, *self._running):
            self._draft.add(note)

    def _take(self) -> str:
        lines = "".join(self._paragraph.pieces).split("\n")
        self._paragraph.pieces.clear()
        return "\n".join(" ".join(line.split(" ")).strip() for line in lines).strip("\n")

    def _end_note_paragraph(self) -> None:
        if text := self._take().strip():
            self._note.append(text)

    def _end_paragraph(self) -> None:
        if self._outside:
            self._end_note_paragraph()
            return
        paragraph = self._paragraph
        text = self._take()
        mark, paragraph.mark = paragraph.mark, None
        if paragraph.in_table:
            if text or mark:
                self._cell.append(f"{mark or ''} {text}".strip())
            return
        if not text:
            return
        self._end_table()
        level = paragraph.level or self._styles.get(paragraph.style or 0)
        if level:
            self._draft.add_heading(level, f"{mark} {text}" if mark and mark != "-" else text)
        elif mark:
            self._draft.add(f"{mark} {text}", tight=True)
        else:
            self._draft.add(text)

    def _end_cell(self, *, nested: bool) -> None:
        text = self._take().strip()
        if text:
            self._cell.append(f"{self._paragraph.mark or ''} {text}".strip())
        self._paragraph.mark = None
        if not nested:
            self._cells.append(" ".join(self._cell))
            self._cell.clear()

    def _end_row(self) -> None:
        if self._cell:
            self._cells.append(" ".join(self._cell))
            self._cell.clear()
        if self._cells:
            self._rows.append(self._cells)
        self._cells = []

    def _end_table(self) -> None:
        if self._rows:
            width = max(map(len, self._rows))
            self._draft.add_table([*row, *[""] * (width - len(row))] for row in self._rows)
        self._rows = []
