"""Numbers and marks of HTML lists."""

from dataclasses import dataclass

from ingest.adapters.parsers.local.formats.trees import Element, local_name

_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MAX_ROMAN = 4000
_LETTERS = 26


@dataclass(slots=True)
class _List:
    is_ordered: bool
    is_definition: bool
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
        found = _List(name == "ol", name == "dl", style=element.get("type") or "1")
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
        letters = ""
        while number > 0:
            number, rest = divmod(number - 1, _LETTERS)
            letters = chr(ord("a") + rest) + letters
        return letters if style == "a" else letters.upper()
    if style in {"i", "I"} and 0 < number < _MAX_ROMAN:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (number // value)
            number %= value
        return roman if style == "i" else roman.upper()
    return str(number)
