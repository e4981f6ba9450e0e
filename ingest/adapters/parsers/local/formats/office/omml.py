"""Writes formulas (Office Math, ECMA-376 Part 1, chapter 22.1) as text in one line.

The text is that of a calculator: ``(a+b)/34``, ``x^23``, ``x_(i+1)``, ``√(2)``.
"""

import re
from collections.abc import Callable, Iterable

from ingest.adapters.parsers.local.formats.trees import Element, child, local_attribute, local_name

SEAM = "\x01"
"""Stands where a formula meets other text; ``join_seams`` replaces it. XML cannot hold it."""

_WORD_SEAM = re.compile(rf"(?<=\w){SEAM}+(?=[\w√])")
_PART_SEAM = re.compile(r"(?<=\w)\x02+(?=[\w√])")
_PART = "\x02"
"""Stands between the parts of a formula; a blank keeps two numbers or names apart there."""
_ATOM = re.compile("[\\w.,\N{PRIME}∞\u0300-\u036f]+|[^\\s\\w]")
_UNSEEN = {0x2061: " ", 0x2062: None, 0x2063: None, 0x200B: None}
"""Signs between a function and its argument, or two factors, that no one sees."""
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def formula(element: Element) -> str:
    """The text of a formula (``oMath`` or ``oMathPara``), between two seams."""
    text = _PART_SEAM.sub(" ", _content(element)).replace(_PART, "").strip()
    return f"{SEAM}{text}{SEAM}" if text else ""


def join_seams(text: str) -> str:
    """Replace the seams: a blank keeps a word or number apart from a formula beside it."""
    return _WORD_SEAM.sub(" ", text).replace(SEAM, "") if SEAM in text else text


def _content(element: Element | None) -> str:
    return "" if element is None else "".join(map(_piece, element))


def _piece(element: Element) -> str:
    name = local_name(element)
    if name == "t":
        return (element.text or "").translate(_UNSEEN)
    if name in _WRITERS:
        return f"{_PART}{_WRITERS[name](element)}{_PART}"
    if name == "br":
        return "\n"
    if name.endswith("Pr") or name in {"del", "moveFrom"}:
        return ""
    return _content(element)


def _part(element: Element, name: str) -> str:
    return _content(child(element, name)).strip(_PART + " ")


def _setting(element: Element, *path: str) -> str | None:
    found = child(element, *path)
    return None if found is None else local_attribute(found, "val") or ""


def _on(element: Element, *path: str) -> bool:
    return _setting(element, *path) not in {None, "0", "off", "false"} or (
        child(element, *path) is not None and _setting(element, *path) == ""
    )


def _grouped(text: str) -> str:
    """The text in brackets, unless it is one number, name, sign or bracket already."""
    return text if _ATOM.fullmatch(text) or _enclosed(text) else f"({text})"


def _enclosed(text: str) -> bool:
    if len(text) < 2 or _PAIRS.get(text[0]) != text[-1]:
        return False
    depth = 0
    for at, char in enumerate(text):
        depth += (char == text[0]) - (char == text[-1])
        if not depth:
            return at == len(text) - 1
    return False


def _fraction(element: Element) -> str:
    top, bottom = _part(element, "num"), _part(element, "den")
    if _setting(element, "fPr", "type") == "noBar":
        return f"({top} over {bottom})"
    return f"{_grouped(top)}/{_grouped(bottom)}"


def _scripts(element: Element) -> str:
    low, high = _part(element, "sub"), _part(element, "sup")
    below = f"_{_grouped(low)}" if low else ""
    above = f"^{_grouped(high)}" if high else ""
    return below + above


def _scripted(element: Element) -> str:
    return _grouped(_part(element, "e")) + _scripts(element)


def _before(element: Element) -> str:
    return f"{_scripts(element)} {_part(element, 'e')}"


def _root(element: Element) -> str:
    degree = "" if _on(element, "radPr", "degHide") else _part(element, "deg")
    return f"√{f'[{degree}]' if degree else ''}({_part(element, 'e')})"


def _sum(element: Element) -> str:
    sign = _setting(element, "naryPr", "chr")
    return f"{'∫' if sign is None else sign}{_scripts(element)} {_part(element, 'e')}"


def _enclosing(element: Element) -> str:
    def mark(name: str, default: str) -> str:
        found = _setting(element, "dPr", name)
        return default if found is None else found

    parts = [_content(part).strip(_PART + " ") for part in element if local_name(part) == "e"]
    if len(parts) == 1 and _enclosed(parts[0]) and parts[0][0] == mark("begChr", "("):
        return parts[0]
    return mark("begChr", "(") + mark("sepChr", "|").join(parts) + mark("endChr", ")")


def _function(element: Element) -> str:
    return f"{_part(element, 'fName')} {_part(element, 'e')}"


def _limit(sign: str) -> Callable[[Element], str]:
    return lambda element: f"{_part(element, 'e')}{sign}{_grouped(_part(element, 'lim'))}"


def _accent(element: Element) -> str:
    sign = _setting(element, "accPr", "chr")
    base = _part(element, "e")
    accent = "\N{COMBINING CIRCUMFLEX ACCENT}" if sign is None else sign
    return base + accent if len(base) == 1 else f"{_grouped(base)}{accent}"


def _bar(element: Element) -> str:
    return f"{_grouped(_part(element, 'e'))}\N{COMBINING OVERLINE}"


def _lines(element: Element) -> str:
    return "; ".join(_rows([element]))


def _matrix(element: Element) -> str:
    rows = (", ".join(_rows([row])) for row in element if local_name(row) == "mr")
    return f"[{'; '.join(rows)}]"


def _rows(elements: Iterable[Element]) -> list[str]:
    return [
        _content(part).strip(_PART + " ")
        for element in elements
        for part in element
        if local_name(part) == "e"
    ]


_WRITERS: dict[str, Callable[[Element], str]] = {
    "f": _fraction,
    "rad": _root,
    "nary": _sum,
    "d": _enclosing,
    "func": _function,
    "sSup": _scripted,
    "sSub": _scripted,
    "sSubSup": _scripted,
    "sPre": _before,
    "limLow": _limit("_"),
    "limUpp": _limit("^"),
    "acc": _accent,
    "bar": _bar,
    "eqArr": _lines,
    "m": _matrix,
}
