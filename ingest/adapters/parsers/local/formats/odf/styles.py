"""What styles mean for the text: titles, hidden words, numbers of lists."""

from collections.abc import Iterable
from dataclasses import dataclass

from ingest.adapters.parsers.local.formats.numerals import MAX_ROMAN, repeated_letter, roman
from ingest.adapters.parsers.local.formats.trees import Element, local_attribute, local_name

_MAX_PARENTS = 20
_TITLES = {"Title": 1, "Subtitle": 2}
_NUMBERED = frozenset({"list-level-style-number", "outline-level-style"})
OUTLINE = "\0outline"
"""Name of the numbering of headings, which is none of a list style."""


@dataclass(frozen=True, slots=True)
class _OdfStyle:
    parent: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class OdfNumbering:
    """How a level of a list is numbered."""

    form: str
    prefix: str
    suffix: str
    first: int
    levels: int
    """How many levels a number shows: 2 is 1.1."""


class OdfStyles:
    """The styles of a document."""

    def __init__(self, trees: Iterable[Element]) -> None:
        self._styles: dict[str, _OdfStyle] = {}
        self._lists: dict[tuple[str, int], OdfNumbering] = {}
        for tree in trees:
            for style in tree.iter("{*}style"):
                self._styles[local_attribute(style, "name") or ""] = _OdfStyle(
                    local_attribute(style, "parent-style-name") or "",
                    any(
                        attribute(properties, "display") == "none"
                        for properties in style
                        if local_name(properties) == "text-properties"
                    ),
                )
            for style in tree.iter("{*}list-style"):
                self._add_list(attribute(style, "name"), style, default_suffix=".")
            for style in tree.iter("{*}outline-style"):
                self._add_list(OUTLINE, style, default_suffix="")

    def _add_list(self, name: str, style: Element, *, default_suffix: str) -> None:
        for level in style:
            if local_name(level) in _NUMBERED:
                start = attribute(level, "start-value")
                shown = attribute(level, "display-levels")
                self._lists[name, int(attribute(level, "level") or 1)] = OdfNumbering(
                    attribute(level, "num-format"),
                    attribute(level, "num-prefix"),
                    attribute(level, "num-suffix") or default_suffix,
                    int(start) if start.isdecimal() else 1,
                    int(shown) if shown.isdecimal() else 1,
                )

    def title_level(self, name: str) -> int | None:
        """The level of a paragraph that is the title of the document."""
        for _ in range(_MAX_PARENTS):
            if name in _TITLES or name not in self._styles:
                return _TITLES.get(name)
            name = self._styles[name].parent
        return None

    def is_hidden(self, name: str) -> bool:
        """Whether words of a style are not shown."""
        for _ in range(_MAX_PARENTS):
            style = self._styles.get(name)
            if style is None:
                return False
            if style.hidden:
                return True
            name = style.parent
        return False

    def numbering(self, name: str, level: int) -> OdfNumbering | None:
        """How a list is numbered; None for bullets."""
        found = self._lists.get((name, level))
        return found if found and found.form else None


def attribute(element: Element, name: str) -> str:
    """The value of an attribute in any namespace; '' when there is none."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2] == name:
            return str(value)
    return ""


def number_label(number: int, form: str) -> str:
    """A number as its list shows it: 3, c, C, iii or III."""
    if form in {"a", "A"} and number >= 1:
        letters = repeated_letter(number)
    elif form in {"i", "I"} and 1 <= number <= MAX_ROMAN:
        letters = roman(number)
    else:
        return str(number)
    return letters if form.islower() else letters.upper()
