"""The paragraphs of DrawingML: of shapes, charts, diagrams and slides."""

import re
from collections.abc import Iterator

from ingest.adapters.parsers.local.formats.office.auto_numbers import AutoNumbers
from ingest.adapters.parsers.local.formats.office.omml import formula, join_seams
from ingest.adapters.parsers.local.formats.trees import Element, child, local_name

_NO_ALTERNATIVE = re.compile(
    r"(?:\S*[/\\])?\S+\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf|svg|webp)"
    r"|(?:picture|image|grafik|bild|chart)\s*\d*",
    re.I,
)
"""Names of files and shapes that applications write where an author has written nothing."""


def alternative(*texts: str | None) -> str:
    """The alternative text of a picture, from its title and description."""
    kept = dict.fromkeys((text or "").strip() for text in texts)
    return "\n".join(text for text in kept if text and not _NO_ALTERNATIVE.fullmatch(text))


def branches(element: Element) -> Iterator[Element]:
    """The children of an element; of alternatives, the first one that has any content."""
    for part in element:
        if local_name(part) != "AlternateContent":
            yield part
            continue
        choices = [choice for choice in part if len(choice)]
        yield from branches(choices[0]) if choices else ()


def paragraphs(element: Element) -> Iterator[str]:
    """The paragraphs below an element that are not blank, with their numbers."""
    numbers = AutoNumbers(child(element, "lstStyle"))
    for part in branches(element):
        if local_name(part) == "p":
            if text := join_seams("".join(_runs(part, [""]))).strip():
                label = numbers.label(part)
                yield f"{label} {text}" if label else text
        else:
            yield from paragraphs(part)


def raised(text: str, before: str, offset: str | None) -> str:
    """Keep a raised or lowered number apart from the number before it: 10^6 is not 106.

    Args:
        text: The text of the run.
        before: The text before it.
        offset: ``superscript``, ``subscript``, or a number that is negative below the line.
    """
    if not offset or offset in {"0", "0%", "baseline"}:
        return text
    if not before[-1:].isdecimal() or not text.lstrip("+-\N{MINUS SIGN}")[:1].isdecimal():
        return text
    return f"{'_' if offset == 'subscript' or offset.startswith('-') else '^'}{text}"


def _runs(element: Element, before: list[str]) -> Iterator[str]:
    for part in branches(element):
        name = local_name(part)
        text = ""
        if name in {"r", "fld"}:
            run, properties = child(part, "t"), child(part, "rPr")
            text = "" if run is None else run.text or ""
            offset = None if properties is None else properties.get("baseline")
            text = raised(text, before[0], offset)
        elif name == "br":
            text = "\n"
        elif name in {"oMath", "oMathPara"}:
            text = formula(part)
        elif name not in {"pPr", "endParaRPr"}:
            yield from _runs(part, before)
        if text:
            before[0] = text
            yield text
