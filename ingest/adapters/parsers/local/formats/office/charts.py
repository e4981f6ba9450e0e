"""Reads charts and SmartArt: titles, and the values as a table."""

from collections.abc import Iterator
from dataclasses import dataclass

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.office.drawing_texts import paragraphs
from ingest.adapters.parsers.local.formats.office.number_format import (
    GENERAL,
    compiled,
    show_general,
)
from ingest.adapters.parsers.local.formats.trees import Element, child, local_name

_MAX_POINTS = 100_000
"""Most points of a series: an index in the file may be any number."""


@dataclass(frozen=True, slots=True)
class _Series:
    name: str
    categories: dict[int, str]
    values: dict[int, str]


def write_chart(root: Element, draft: Draft) -> None:
    """Write a chart's title, the titles of its axes and a table of its series."""
    title = child(root, "chart", "title")
    shown = [_title(title)] if title is not None else []
    for other in root.iter("{*}title", "{*}dLbl"):
        if other is not title:
            shown.append(_title(other))
    for text in dict.fromkeys(filter(None, shown)):
        draft.add(text)
    series = list(_series(root)) or list(_extended_series(root))
    if not series:
        return
    first = series[0].categories
    if all(one.categories == first or not one.categories for one in series):
        _write_table(series, draft)
    else:
        for one in series:
            _write_table([one], draft)


def _title(element: Element) -> str:
    text = " ".join(paragraphs(element))
    return text or " ".join(v.text or "" for v in element.iter("{*}v"))


def _write_table(series: list[_Series], draft: Draft) -> None:
    places = sorted({at for one in series for at in (*one.categories, *one.values)})
    names = [one.name for one in series]
    rows = [["", *names]] if any(names) else []
    categories = series[0].categories
    rows += [[categories.get(at, ""), *(one.values.get(at, "") for one in series)] for at in places]
    draft.add_table(rows)


def _series(root: Element) -> Iterator[_Series]:
    for element in root.iter("{*}ser"):
        categories = _points(child(element, "cat"))
        if categories is None:
            categories = _points(child(element, "xVal"))
        values = _points(child(element, "val"))
        if values is None:
            values = _points(child(element, "yVal"))
        sizes = _points(child(element, "bubbleSize")) or {}
        values = {
            at: f"{text} ({sizes[at]})" if at in sizes else text
            for at, text in (values or {}).items()
        }
        name = child(element, "tx")
        title = "" if name is None else " ".join(v.text or "" for v in name.iter("{*}v"))
        yield _Series(title.strip(), categories or {}, values)


def _points(element: Element | None) -> dict[int, str] | None:
    """The cached texts of a reference, by their index; several levels are joined."""
    if element is None:
        return None
    code = next((code.text for code in element.iter("{*}formatCode")), None) or GENERAL
    levels = list(element.iter("{*}lvl")) or [element]
    found: dict[int, str] = {}
    for level in reversed(levels):  # the innermost level comes first in the file
        at_level = {}
        for point in level.iter("{*}pt"):
            index, value = point.get("idx") or "", child(point, "v")
            if index.isdecimal() and int(index) < _MAX_POINTS and value is not None:
                own = point.get("formatCode") or code
                at_level[int(index)] = _shown(value.text or "", own)
        found = _under(found, at_level)
    return found


def _under(outer: dict[int, str], inner: dict[int, str]) -> dict[int, str]:
    """Put the texts of the outer level before those of the inner one below them."""
    joined: dict[int, str] = {}
    for at, text in inner.items():
        above = max((place for place in outer if place <= at), default=None)
        joined[at] = text if above is None else f"{outer[above]} / {text}"
    return joined


def _shown(text: str, code: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return text
    plain = code.lower() == GENERAL.lower()
    try:
        return show_general(value) if plain else compiled(code).show(value)
    except (ValueError, OverflowError):
        return text


def _extended_series(root: Element) -> Iterator[_Series]:
    """The series of a chart of 2016 (waterfall, funnel, tree map …)."""
    data = {element.get("id"): element for element in root.iter("{*}data")}
    for element in root.iter("{*}series"):
        reference = child(element, "dataId")
        source = None if reference is None else data.get(reference.get("val"))
        texts = {} if source is None else _extended_points(child(source, "strDim"))
        values = {} if source is None else _extended_points(child(source, "numDim"))
        name = next((v.text or "" for v in element.iter("{*}v")), "")
        yield _Series(name, texts, values)


def _extended_points(element: Element | None) -> dict[int, str]:
    found: dict[int, str] = {}
    for level in element.iter("{*}lvl") if element is not None else ():
        own = {}
        for point in level:
            index = point.get("idx") or ""
            if local_name(point) == "pt" and index.isdecimal() and int(index) < _MAX_POINTS:
                own[int(index)] = _shown(point.text or "", level.get("formatCode") or GENERAL)
        found = {
            at: f"{text} / {found[at]}" if at in found else text for at, text in own.items()
        } | {at: text for at, text in found.items() if at not in own}
    return found


def diagram_texts(root: Element) -> list[str]:
    """The texts of a SmartArt drawing, from its outer to its inner points, as it shows them."""
    points = {point.get("modelId"): point for point in root.iter("{*}pt")}
    below: dict[str | None, list[tuple[int, str | None]]] = {}
    for link in root.iter("{*}cxn"):
        if (link.get("type") or "parOf") == "parOf":
            order = link.get("srcOrd") or "0"
            target = (int(order) if order.isdecimal() else 0, link.get("destId"))
            below.setdefault(link.get("srcId"), []).append(target)
    tops = [key for key, point in points.items() if point.get("type") == "doc"]
    ordered: dict[str | None, None] = {}
    stack = list(reversed(tops))
    while stack:
        key = stack.pop()
        if key not in ordered:
            ordered[key] = None
            children = sorted(below.get(key, ()), key=lambda target: target[0])
            stack += [target for _, target in reversed(children)]
    ordered |= dict.fromkeys(points)
    return [text for key in ordered if key in points for text in paragraphs(points[key])]
