"""Parses XML and HTML; the library's limits on depth, text and entities stay on."""

import re
from collections.abc import Iterator, Mapping
from typing import IO, Protocol

from lxml import etree  # type: ignore[import-untyped]  # ships no types

from ingest.domain.errors import DocumentUnreadable, ParserLimitExceeded

_FORGET_EVERY = 200
_XML = {"resolve_entities": False, "no_network": True, "remove_comments": True, "remove_pis": True}


class Element(Protocol):
    """The used part of lxml's elements; lxml has no types."""

    tag: str
    attrib: Mapping[str, str]
    text: str | None
    tail: str | None

    def get(self, key: str) -> str | None:
        """The value of an attribute."""
        ...

    def iter(self, *tags: str) -> Iterator["Element"]:
        """The element and all below it, in order; ``{*}name`` is a name in any namespace."""
        ...

    def iterancestors(self, *tags: str) -> Iterator["Element"]:
        """The elements around it, from the inside out."""
        ...

    def getparent(self) -> "Element | None":
        """The element around it."""
        ...

    def itertext(self) -> Iterator[str]:
        """The texts in the element and below it, in order."""
        ...

    def __iter__(self) -> Iterator["Element"]:
        """Iterate over the children."""
        ...

    def __getitem__(self, index: int) -> "Element":
        """A child."""
        ...

    def __len__(self) -> int:
        """The number of children."""
        ...


class Walk(Protocol):
    """Start and end of each element, in order, without recursion."""

    def __iter__(self) -> Iterator[tuple[str, Element]]:
        """Pairs of "start" or "end" and the element."""
        ...

    def skip_subtree(self) -> None:
        """Skip the descendants of the element that has just started."""
        ...


def local_name(element: Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def child(element: Element | None, *path: str) -> Element | None:
    """The first descendant with this path of local names."""
    for name in path:
        if element is None:
            return None
        ending = f"}}{name}"
        for found in element:
            if found.tag.endswith(ending) or found.tag == name:
                element = found
                break
        else:
            return None
    return element


def local_attribute(element: Element, name: str) -> str | None:
    """The value of an attribute in the namespace of its element."""
    return element.get(f"{element.tag.rpartition('}')[0]}}}{name}")


def walk(root: Element) -> Walk:
    """Walk over a tree without recursion."""
    found: Walk = etree.iterwalk(root, events=("start", "end"))
    return found


def xml_tree(data: bytes) -> Element:
    """Parse XML; entities that the document defines itself are left out.

    Raises:
        ParserLimitExceeded: elements are nested too deeply, or a text is too long.
        DocumentUnreadable: the XML is not well-formed.
    """
    try:
        root: Element = etree.fromstring(data, etree.XMLParser(**_XML))
    except etree.XMLSyntaxError as exc:
        _check_limit(exc.code)
        raise DocumentUnreadable("the document's XML is not well-formed") from exc
    return root


def xml_stream(source: IO[bytes], *names: str) -> Iterator[Element]:
    """Parse XML piece by piece: the elements of these names, whole, each forgotten after its use.

    Raises:
        ParserLimitExceeded: elements are nested too deeply, or a text is too long.
        DocumentUnreadable: the XML is not well-formed.
    """
    tags = [f"{{*}}{name}" for name in names]
    try:
        for _, element in etree.iterparse(source, events=("end",), tag=tags, **_XML):
            yield element
            element.clear()
            parent = element.getparent()
            if parent is not None and len(parent) > _FORGET_EVERY:
                del parent[: parent.index(element)]
    except etree.XMLSyntaxError as exc:
        _check_limit(exc.code)
        raise DocumentUnreadable("the document's XML is truncated or corrupt") from exc


def html_tree(markup: str) -> Element | None:
    """Parse HTML, valid or not; None when it is empty.

    Raises:
        ParserLimitExceeded: nested too deeply.
    """
    parser = etree.HTMLParser(
        encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True
    )
    try:
        root: Element | None = etree.fromstring(markup.encode(), parser)
    except etree.XMLSyntaxError as exc:
        _check_limit(exc.code)
        return None
    for entry in parser.error_log.filter_from_fatals():
        _check_limit(entry.type)
    return root


_HTML_TAG = re.compile(
    r"<(/?)([A-Za-z][\w:-]*)(?:\"[^\"]*\"|'[^']*'|[^'\">])*>|<!--.*?-->", re.DOTALL
)
_KEPT = frozenset(
    {"h1", "h2", "h3", "h4", "h5", "h6", "br", "title", "meta", "script", "style", "template"}
    | {"head", "noscript", "svg", "img"}
)
_INLINE = frozenset(
    {"a", "abbr", "b", "big", "cite", "code", "em", "font", "i", "kbd", "label", "mark", "nobr"}
    | {"q", "s", "small", "span", "strong", "tt", "u", "var", "wbr", "ins", "bdi", "bdo", "time"}
)


def flattened(markup: str) -> str:
    """HTML without elements inside each other: headings and paragraphs."""

    def replaced(tag: re.Match[str]) -> str:
        name = (tag[2] or "").lower()
        if name in _KEPT:
            return tag[0]
        return "" if name in _INLINE or not name else "<br><p>"

    return _HTML_TAG.sub(replaced, markup)


def _check_limit(code: int) -> None:
    if code == etree.ErrorTypes.ERR_NO_MEMORY:
        raise MemoryError
    if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        raise ParserLimitExceeded("the document is nested too deeply or holds too long a text")
