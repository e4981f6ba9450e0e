"""Computes the numbers of lists, clauses and headings, which the text itself does not hold."""

from dataclasses import dataclass, replace

from ingest.adapters.parsers.local.formats.docx.styles import Style, switch, value
from ingest.adapters.parsers.local.formats.numerals import MAX_ROMAN, repeated_letter, roman
from ingest.adapters.parsers.local.formats.trees import (
    Element,
    child,
    local_attribute,
    local_name,
)

_LEVELS = 9
_HAN = "〇一二三四五六七八九"
_HAN_FORMATS = frozenset(
    {"japaneseCounting", "chineseCounting", "chineseCountingThousand", "ideographDigital"}
    | {"taiwaneseCounting", "taiwaneseCountingThousand", "koreanCounting"}
)


@dataclass(frozen=True, slots=True)
class _ListLevel:
    start: int = 1
    form: str = "decimal"
    text: str = ""
    legal: bool = False
    restart: int | None = None
    style_id: str | None = None


class Numbering:
    """The lists of a document, with their present numbers."""

    def __init__(self, root: Element | None) -> None:
        self._abstract: dict[str, dict[int, _ListLevel]] = {}
        self._style_links: dict[str, str] = {}
        self._lists: dict[str, tuple[str, dict[int, _ListLevel], dict[int, int]]] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._begun: set[str] = set()
        for element in root if root is not None else ():
            if local_name(element) == "abstractNum":
                self._read_abstract(element)
        for element in root if root is not None else ():
            if local_name(element) == "num":
                self._read_list(element)

    def _read_abstract(self, element: Element) -> None:
        key = local_attribute(element, "abstractNumId") or ""
        self._abstract[key] = dict(_level(e) for e in element if local_name(e) == "lvl")
        if link := value(element, "styleLink"):
            self._style_links[link] = key
        if link := value(element, "numStyleLink"):
            self._style_links[f"\0{key}"] = link

    def _read_list(self, element: Element) -> None:
        key = value(element, "abstractNumId") or ""
        levels: dict[int, _ListLevel] = {}
        starts: dict[int, int] = {}
        for override in element:
            if local_name(override) != "lvlOverride":
                continue
            place = _number(local_attribute(override, "ilvl"), 0)
            start = value(override, "startOverride")
            if start is not None:
                starts[place] = _number(start, 1)
            own = child(override, "lvl")
            if own is not None:
                levels[place] = _level(own)[1]
        self._lists[local_attribute(element, "numId") or ""] = key, levels, starts

    def _levels(self, list_id: str) -> tuple[str, dict[int, _ListLevel]] | None:
        if list_id not in self._lists:
            return None
        key, own, _ = self._lists[list_id]
        linked = self._style_links.get(f"\0{key}")
        if linked is not None:
            key = self._style_links.get(linked, key)
        return key, self._abstract.get(key, {}) | own

    def label(self, style: Style) -> str | None:
        """Count a paragraph of a list; its number, '' without one, None for a bullet."""
        found = self._levels(style.list_id or "")
        if found is None:
            return None
        key, levels = found
        place = self._place(style, levels)
        level = levels.get(place, _ListLevel(form="bullet"))
        counts = self._counts.setdefault(key, [None] * _LEVELS)
        self._begin(style.list_id or "", counts, levels)
        before = counts[place]
        counts[place] = level.start if before is None else before + 1
        for deeper in range(place + 1, _LEVELS):
            restart = levels.get(deeper, _ListLevel()).restart
            if restart is None or (restart and place < restart):
                counts[deeper] = None
        if level.form == "bullet":
            return None
        return self._written(level, levels, counts).strip()

    def _place(self, style: Style, levels: dict[int, _ListLevel]) -> int:
        if style.list_level is not None:
            return min(_number(style.list_level, 0), _LEVELS - 1)
        linked = (at for at, level in levels.items() if level.style_id == style.style_id)
        return next(linked, 0) if style.style_id else 0

    def _begin(self, list_id: str, counts: list[int | None], levels: dict[int, _ListLevel]) -> None:
        """Let a list that names its first numbers begin with them."""
        starts = self._lists[list_id][2]
        if list_id not in self._begun:
            self._begun.add(list_id)
            for place, start in starts.items():
                if place < _LEVELS:
                    counts[place] = start - 1
        for place in starts:
            if place < _LEVELS and counts[place] is None:
                levels[place] = replace(levels.get(place, _ListLevel()), start=starts[place])

    @staticmethod
    def _written(level: _ListLevel, levels: dict[int, _ListLevel], counts: list[int | None]) -> str:
        text = level.text
        for place in range(_LEVELS):
            if f"%{place + 1}" in text:
                shown = levels.get(place, _ListLevel())
                count = counts[place]
                form = "decimal" if level.legal else shown.form
                number = _numeral(shown.start if count is None else count, form)
                text = text.replace(f"%{place + 1}", number)
        return text


def _level(element: Element) -> tuple[int, _ListLevel]:
    restart = value(element, "lvlRestart")
    return _number(local_attribute(element, "ilvl"), 0), _ListLevel(
        start=_number(value(element, "start"), 0 if value(element, "start") else 1),
        form=value(element, "numFmt") or _alternative_form(element),
        text=value(element, "lvlText") or "",
        legal=bool(switch(element, "isLgl")),
        restart=None if restart is None else _number(restart, 0),
        style_id=value(element, "pStyle"),
    )


def _alternative_form(element: Element) -> str:
    """The form of a newer version's number, which stands among alternatives."""
    found = next(element.iter("{*}numFmt"), None)
    return "decimal" if found is None else local_attribute(found, "val") or "decimal"


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() else default


def _numeral(number: int, form: str) -> str:
    if form in {"upperLetter", "lowerLetter"} and number > 0:
        text = repeated_letter(number)
    elif form in {"upperRoman", "lowerRoman"} and 0 < number <= MAX_ROMAN:
        text = roman(number)
    elif form == "decimalZero":
        return f"{number:02}"
    elif form == "ordinal":
        ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
        return f"{number}{'th' if number % 100 in {11, 12, 13} else ending}"
    elif form.startswith("decimalEnclosedCircle") and 1 <= number <= 20:
        return chr(ord("①") + number - 1)
    elif form in _HAN_FORMATS and 0 < number < 100:
        return _han(number)
    elif form == "none":
        return ""
    else:
        return str(number)
    return text.upper() if form.startswith("upper") else text


def _han(number: int) -> str:
    tens, ones = divmod(number, 10)
    if not tens:
        return _HAN[ones]
    return f"{_HAN[tens] if tens > 1 else ''}十{_HAN[ones] if ones else ''}"
