"""Text that a page shows without saying it in its own text: of drawings, and in fields of forms."""

from ingest.adapters.parsers.local.formats.trees import Element

DRAWN = frozenset({"svg", "input", "select"})
_FIELDS = frozenset(
    {"text", "search", "email", "tel", "url", "number", "date", "datetime-local", "month", "week"}
    | {"time"}
)
"""Kinds of input fields that show their value."""


def drawn_text(name: str, element: Element) -> str:
    """The text that a drawing or a field shows, with blanks around it."""
    if name == "svg":
        found = []
        seen: set[Element] = set()
        for text in element.iter("{*}text", "{*}foreignObject", "{*}foreignobject"):
            if text.getparent() not in seen:
                found.append(" ".join(text.itertext()))
                seen.update(text.iter())
    elif name == "input":
        kind = (element.get("type") or "text").strip().lower()
        found = [element.get("value") or ""] if kind in _FIELDS else []
    else:
        chosen = [e for e in element.iter("{*}option") if e.get("selected") is not None]
        found = [" ".join(e.itertext()) for e in chosen]
    return f" {' '.join(' '.join(found).split())} "
