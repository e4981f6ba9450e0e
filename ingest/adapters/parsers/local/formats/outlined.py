"""Text with headings in a mark-up of its own: the text stays, its titles become headings."""

from ingest.adapters.parsers.local.draft import Draft


class OutlinedText:
    """Collects lines, and writes those between two headings as one block."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._lines: list[str] = []

    def line(self, text: str) -> None:
        """Append a line of text."""
        self._lines.append(text.rstrip())

    def heading(self, level: int, title: str) -> None:
        """Begin a section."""
        self.end()
        self._draft.add_heading(level, title)

    def end(self) -> None:
        """Write the lines that are left."""
        if any(self._lines):
            self._draft.add("\n".join(self._lines))
        self._lines.clear()
