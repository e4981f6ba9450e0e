"""Reads presentations: one page for each slide, its title as heading, its notes last."""

import zipfile
from collections.abc import Iterator

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.office_package import Package
from ingest.adapters.parsers.local.formats.trees import Element, local_name

_TITLES = frozenset({"title", "ctrTitle"})
_RELATION_ID = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}id",
)


def parse_pptx(archive: zipfile.ZipFile, draft: Draft) -> None:
    """Read a PowerPoint presentation.

    Raises:
        TooManyPages: there are more slides than the limit.
    """
    package = Package(archive)
    main = package.main_part()
    relations = package.relations(main)
    slides = [relations[_relation_id(slide)].part for slide in package.tree(main).iter("{*}sldId")]
    draft.expect_pages(len(slides))
    for number, part in enumerate(slides, start=1):
        draft.begin_page(number)
        _write_slide(package, part, draft)


def _relation_id(element: Element) -> str:
    return next(filter(None, map(element.get, _RELATION_ID)), "")


def _write_slide(package: Package, part: str, draft: Draft) -> None:
    shapes = list(_shapes(package.tree(part)))
    title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
    if title is not None:
        draft.add_heading(1, " ".join(_paragraphs(title)))
    for shape in shapes:
        if shape is not title:
            _write_shape(shape, draft)
    for relation in package.relations(part).values():
        if relation.kind == "diagramData":
            draft.add("\n\n".join(_paragraphs(package.tree(relation.part))))
        elif relation.kind == "notesSlide":
            for shape in _shapes(package.tree(relation.part)):
                if _placeholder(shape) == "body":
                    draft.add("\n\n".join(_paragraphs(shape)))


def _shapes(element: Element) -> Iterator[Element]:
    """Shapes with text and frames with tables, also those inside groups."""
    for child in element:
        name = local_name(child)
        if name in {"sp", "graphicFrame"}:
            yield child
        elif name != "Fallback":
            yield from _shapes(child)


def _placeholder(shape: Element) -> str | None:
    """The placeholder type of a shape; ``obj`` is the standard's default."""
    found = next(shape.iter("{*}ph"), None)
    return None if found is None else found.get("type") or "obj"


def _write_shape(shape: Element, draft: Draft) -> None:
    for table in shape.iter("{*}tbl"):
        draft.add_table(
            [" ".join(_paragraphs(cell)) for cell in row.iter("{*}tc")]
            for row in table.iter("{*}tr")
        )
        return
    draft.add("\n\n".join(_paragraphs(shape)))


def _paragraphs(element: Element) -> Iterator[str]:
    for paragraph in element.iter("{*}p"):
        parts = (
            "\n" if local_name(part) == "br" else part.text or ""
            for part in paragraph.iter("{*}t", "{*}br")
        )
        if text := "".join(parts).strip():
            yield text
