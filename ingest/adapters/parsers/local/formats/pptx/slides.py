"""Writes the slides: title first, shapes by position, then notes and comments."""

import posixpath
import zipfile

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.office.drawing_texts import paragraphs
from ingest.adapters.parsers.local.formats.office.not_read import (
    warn_of_embedded,
    warn_of_pictures,
)
from ingest.adapters.parsers.local.formats.office.shapes import ShapeWriter, is_hidden
from ingest.adapters.parsers.local.formats.office.unread import warn_of_unread
from ingest.adapters.parsers.local.formats.office_package import Package, relation_id
from ingest.adapters.parsers.local.formats.pptx.positions import (
    Positions,
    ShapeBox,
    placed,
    placeholder,
    reading_order,
)
from ingest.adapters.parsers.local.formats.trees import Element, child, local_name
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.parse_warning import WarningCode

_TITLES = frozenset({"title", "ctrTitle"})
_REPEATED = frozenset({"ftr", "hdr", "dt"})
"""Placeholders with the same text on each slide."""
_NO_NOTES = frozenset({"sldImg", "sldNum", "hdr", "ftr", "dt"})


def parse_pptx(archive: zipfile.ZipFile, draft: Draft) -> None:
    """Read a PowerPoint presentation, with its hidden slides.

    Raises:
        TooManyPages: there are more slides than the limit.
    """
    package = Package(archive)
    main = package.main_part()
    relations = package.relations(main)
    named = [relations.get(relation_id(slide)) for slide in package.tree(main).iter("{*}sldId")]
    slides = [one.part for one in named if one is not None and package.has(one.part)]
    draft.expect_pages(len(named))
    if named and not slides:
        raise DocumentUnreadable("the PPTX document has none of the slides that it names")
    if missing := len(named) - len(slides):
        message = f"{missing} slides are named by the presentation, but the file lacks them"
        draft.warn(WarningCode.PART_NOT_READ, message)
    writer = _SlideWriter(package, draft)
    for number, part in enumerate(slides, start=1):
        draft.begin_page(number)
        writer.write(part, number)
    warn_of_pictures(draft, writer.pictures)
    warn_of_unread(package, draft)


class _SlideWriter:
    """Writes the slides of a presentation, one after the other."""

    def __init__(self, package: Package, draft: Draft) -> None:
        self._package = package
        self._draft = draft
        self._repeated: set[str] = set()
        self._layouts: dict[str, tuple[Positions, list[str]]] = {}
        self.pictures = 0
        """Pictures without an alternative text."""

    def write(self, part: str, number: int) -> None:
        """Write a slide, then its notes and comments."""
        place = f"slide {number}"
        root = self._package.tree(part)
        shapes = self._shapes(root, part, place)
        title = next((shape for shape in shapes if _kind(shape) in _TITLES), None)
        if title is not None:
            self._draft.add_heading(1, " ".join(paragraphs(title)))
        writer = ShapeWriter(self._package, part, self._draft, place)
        for shape in shapes:
            if _kind(shape) in _REPEATED:
                self._write_once("\n".join(paragraphs(shape)))
            elif shape is not title and _kind(shape) != "sldNum":
                writer.write(shape)
        self.pictures += writer.pictures
        self._write_notes(part)
        self._write_comments(part)
        if root.get("showMasterSp") not in {"0", "false"}:
            for layout in self._layout(part)[1]:
                self._write_static(layout)
        warn_of_embedded(self._package, part, self._draft, place)

    def _shapes(self, root: Element, part: str, place: str) -> list[Element]:
        """The shapes in the order of reading; in that of the file when a place is unknown."""
        positions = self._layout(part)[0]
        shapes: list[Element] = []
        boxes: list[ShapeBox | None] = []
        for shape, own in placed(root):
            if is_hidden(shape):
                if any(True for _ in paragraphs(shape)):
                    message = f"{place}: a hidden shape with text was left out"
                    self._draft.warn(WarningCode.HIDDEN_TEXT_LEFT_OUT, message)
            else:
                shapes.append(shape)
                boxes.append(positions.of(shape, own))
        known = [box for box in boxes if box is not None]
        if len(known) < len(shapes):
            return shapes
        return [shapes[at] for at in reading_order(known)]

    def _layout(self, part: str) -> tuple[Positions, list[str]]:
        """Positions of placeholders, and the parts whose drawings lie under the slide."""
        parts: list[str] = []
        for kind in ("slideLayout", "slideMaster"):
            found = self._package.first(parts[-1] if parts else part, kind)
            if found is None:
                break
            parts.append(found)
        key = posixpath.join("", *parts)
        if key not in self._layouts:
            trees = [self._package.tree(name) for name in parts]
            shown = parts[:1] if trees and trees[0].get("showMasterSp") in {"0", "false"} else parts
            self._layouts[key] = Positions(trees), shown
        return self._layouts[key]

    def _write_once(self, text: str) -> None:
        if text.strip() and text not in self._repeated:
            self._repeated.add(text)
            self._draft.add(text)

    def _write_static(self, part: str) -> None:
        """Write the texts that a layout or master puts on all its slides, once."""
        if part in self._repeated:
            return
        self._repeated.add(part)
        for shape, _ in placed(self._package.tree(part)):
            if placeholder(shape) is None and local_name(shape) == "sp" and not is_hidden(shape):
                self._write_once("\n\n".join(paragraphs(shape)))

    def _write_notes(self, part: str) -> None:
        for notes in self._package.all(part, "notesSlide"):
            for shape, _ in placed(self._package.tree(notes)):
                if local_name(shape) == "sp" and _kind(shape) not in _NO_NOTES:
                    self._draft.add("\n\n".join(paragraphs(shape)))

    def _write_comments(self, part: str) -> None:
        for comments in self._package.all(part, "comments"):
            for comment in self._package.tree(comments).iter("{*}cm", "{*}reply"):
                own = child(comment, "text")
                body = child(comment, "txBody")
                text = own.text or "" if own is not None else ""
                if body is not None:
                    text = "\n".join(paragraphs(body))
                self._draft.add(f"Comment: {text.strip()}" if text.strip() else "")


def _kind(shape: Element) -> str | None:
    """The placeholder type of a shape; ``obj`` is the standard's default."""
    found = placeholder(shape)
    return None if found is None else found.get("type") or "obj"
