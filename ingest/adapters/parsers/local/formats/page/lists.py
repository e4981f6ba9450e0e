"""Numbers and marks of HTML lists."""

from dataclasses import dataclass

from ingest.adapters.parsers.local.formats.numerals import MAX_ROMAN, roman
from ingest.adapters.parsers.local.formats.tables import column_name
from ingest.adapters.parsers.local.formats.trees import Element, local_name


@dataclass(slots=True)
class _List:
    is_ordered: bool
    number: int = 1
    step: int = 1
    style: str = "1"


class Lists:
    """The lists that are open, the innermost last."""

    def __init__(self) -> None:
        self._open: list[_List] = []

    def __bool__(self) -> bool:
        return bool(self._open)

    def open(self, name: str, element: Element) -> None:
        """Begin a list."""
        found = _List(name == "ol", style=element.get("type") or "1")
        if found.is_ordered:
            if element.get("reversed") is not None:
                found.step = -1
                found.number = sum(local_name(child) == "li" for child in element)
            found.number = _whole(element.get("start"), found.number)
        self._open.append(found)

    def close(self) -> None:
        """End a list."""
        if self._open:
            self._open.pop()

    def mark(self, name: str, element: Element) -> str:
        """What stands before an item."""
        if name == "dd":
            return "  " * (len(self._open) - 1) + ": "
        indent = "  " * (len(self._open) - 1)
        current = self._open[-1] if self._open else None
        if current is None or not current.is_ordered:
            return f"{indent}- "
        number = _whole(element.get("value"), current.number)
        current.number = number + current.step
        return f"{indent}{_numeral(number, current.style)}. "


def _whole(text: str | None, otherwise: int) -> int:
    try:
        return int(text) if text is not None and len(text) < 10 else otherwise
    except ValueError:
        return otherwise


def _numeral(number: int, style: str) -> str:
    if style in {"a", "A"} and number > 0:
        letters = column_name(number - 1).lower()
    elif style in {"i", "I"} and 0 < number <= MAX_ROMAN:
        letters = roman(number)
    else:
        return str(number)
    return letters if style.islower() else letters.upper()
