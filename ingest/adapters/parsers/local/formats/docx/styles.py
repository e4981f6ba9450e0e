"""The styles of a Word document: heading levels, lists and hidden text."""

from dataclasses import dataclass, replace
from functools import cached_property

from ingest.adapters.parsers.local.formats.office_package import Package
from ingest.adapters.parsers.local.formats.trees import Element, child, local_attribute, local_name

_BUILT_IN = {"Title": 1, **{f"Heading{level}": level for level in range(1, 7)}}
"""Built-in styles; a document may use them without a definition."""
_MAX_BASED_ON = 20
_OFF = frozenset({"0", "false", "off"})


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph's properties and its style say; None where they say nothing."""

    level: int | None = None
    """Heading level from 1."""
    list_id: str | None = None
    """Id of its list; ``0`` takes it out of a list."""
    list_level: str | None = None
    hidden: bool | None = None
    style_id: str | None = None

    @property
    def listed(self) -> bool:
        """Whether it belongs to a list."""
        return self.list_id not in {None, "0"}

    def over(self, base: "Style") -> "Style":
        """These values, and those of ``base`` where there are none."""
        return Style(
            base.level if self.level is None else self.level,
            base.list_id if self.list_id is None else self.list_id,
            base.list_level if self.list_level is None else self.list_level,
            base.hidden if self.hidden is None else self.hidden,
            self.style_id or base.style_id,
        )


PLAIN = Style()


def value(element: Element | None, *path: str) -> str | None:
    """The ``val`` attribute of the descendant with this path of names."""
    found = child(element, *path)
    return None if found is None else local_attribute(found, "val")


def switch(properties: Element | None, name: str) -> bool | None:
    """Whether a property is on; None when it is not there."""
    found = child(properties, name)
    return None if found is None else (local_attribute(found, "val") or "1") not in _OFF


class Styles:
    """The styles of a document, read on first use."""

    def __init__(self, package: Package, main: str) -> None:
        self._package = package
        self._main = main
        self._found: dict[str, Style] = {}

    def find(self, style_id: str | None) -> Style:
        """Find a style; values that it lacks come from the styles it is based on."""
        if not style_id:
            return PLAIN
        if style_id not in self._found:
            self._found[style_id] = self._resolved(style_id)
        return self._found[style_id]

    def paragraph(self, paragraph: Element) -> Style:
        """The style of a paragraph with its own properties over it."""
        properties = child(paragraph, "pPr")
        if properties is None:
            return PLAIN
        named = self.find(value(properties, "pStyle"))
        return replace(_own_style(properties), hidden=None).over(named)

    def hides(self, properties: Element) -> bool | None:
        """Whether a run's properties or its style hide its text; None when they do not say."""
        own = switch(properties, "vanish")
        return self.find(value(properties, "rStyle")).hidden if own is None else own

    def _resolved(self, style_id: str) -> Style:
        style = Style(_BUILT_IN.get(style_id))
        following: str | None = style_id
        for _ in range(_MAX_BASED_ON):
            element = self._elements.get(following or "")
            if element is None:
                break
            own = _own_style(element)
            if own.list_id is not None and style.list_id is None:
                own = replace(own, style_id=following)
            style = style.over(own)
            following = value(element, "basedOn")
        return style

    @cached_property
    def _elements(self) -> dict[str, Element]:
        part = self._package.first(self._main, "styles")
        if part is None:
            return {}
        styles = self._package.tree(part).iter("{*}style")
        return {local_attribute(style, "styleId") or "": style for style in styles}


def _own_style(element: Element) -> Style:
    """The values of a style, or of a paragraph's properties."""
    properties = child(element, "pPr") if local_name(element) == "style" else element
    outline = value(properties, "outlineLvl") or ""
    level = int(outline) + 1 if outline.isdecimal() and int(outline) < 9 else None
    name = (value(element, "name") or "").lower() if local_name(element) == "style" else ""
    if name == "title":
        level = 1
    elif name.startswith("heading ") and name[8:].isdecimal():
        level = int(name[8:])
    return Style(
        level,
        value(properties, "numPr", "numId"),
        value(properties, "numPr", "ilvl"),
        switch(child(element, "rPr"), "vanish"),
    )
