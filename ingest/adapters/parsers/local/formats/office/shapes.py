"""Reads the shapes of slides and sheets: texts, tables, charts, diagrams, alternative texts."""

from collections.abc import Iterator

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.office.charts import diagram_texts, write_chart
from ingest.adapters.parsers.local.formats.office.drawing_texts import (
    alternative,
    branches,
    paragraphs,
)
from ingest.adapters.parsers.local.formats.office_package import Package, relation_id
from ingest.adapters.parsers.local.formats.trees import Element, local_name
from ingest.domain.parse_warning import WarningCode

SHAPES = frozenset({"sp", "cxnSp", "graphicFrame", "pic", "grpSp"})


def properties(shape: Element) -> Element | None:
    """The element with a shape's name and alternative text."""
    for part in shape:
        if local_name(part).startswith("nv"):
            return next(part.iter("{*}cNvPr"), None)
    return None


def is_hidden(shape: Element) -> bool:
    """Whether the application does not show the shape."""
    own = properties(shape)
    return own is not None and own.get("hidden") in {"1", "true"}


def alternative_text(shape: Element) -> str:
    """What the author wrote for those who cannot see the shape."""
    own = properties(shape)
    return "" if own is None else alternative(own.get("title"), own.get("descr"))


class ShapeWriter:
    """Writes the shapes of one part into the draft."""

    def __init__(self, package: Package, part: str, draft: Draft, place: str) -> None:
        self._package = package
        self._relations = package.relations(part)
        self._draft = draft
        self._place = place
        self.pictures = 0
        """Pictures without an alternative text."""

    def blocks(self, shape: Element) -> Iterator[str | Element]:
        """The texts and tables of a shape, in order; charts and diagrams as their part's tree."""
        name = local_name(shape)
        if name == "grpSp":
            yield from filter(None, [alternative_text(shape)])
            return
        if name == "graphicFrame":
            yield from self._frame(shape)
            return
        texts = list(paragraphs(shape))
        yield from texts
        described = "" if texts else alternative_text(shape)
        yield from filter(None, [described])
        self.pictures += name == "pic" and not described

    def _frame(self, frame: Element) -> Iterator[str | Element]:
        yield from filter(None, [alternative_text(frame)])
        for element in frame.iter("{*}tbl", "{*}chart", "{*}relIds"):
            name = local_name(element)
            if name == "tbl":
                yield element
                return
            key = relation_id(element, "id" if name == "chart" else "dm")
            relation = self._relations.get(key)
            if relation is None or not self._package.has(relation.part):
                what = "chart" if name == "chart" else "diagram"
                message = f"{self._place}: a {what} was not read, because its part is missing"
                self._draft.warn(WarningCode.PART_NOT_READ, message)
                continue
            yield self._package.tree(relation.part)

    def write(self, shape: Element) -> None:
        """Write a shape: its paragraphs as one block each."""
        for block in self.blocks(shape):
            self.write_block(block)

    def write_block(self, block: str | Element) -> None:
        """Write one of the ``blocks``."""
        if isinstance(block, str):
            self._draft.add(block)
        elif local_name(block) == "tbl":
            self._draft.add_table(
                [" ".join(paragraphs(cell)) for cell in row.iter("{*}tc")]
                for row in block.iter("{*}tr")
            )
        elif local_name(block) == "chartSpace":
            write_chart(block, self._draft)
        else:
            self._draft.add("\n\n".join(diagram_texts(block)))


def all_shapes(element: Element) -> Iterator[Element]:
    """The shapes below an element in the order of the file, also those inside groups."""
    for part in branches(element):
        if local_name(part) in SHAPES:
            yield part
        if local_name(part) not in SHAPES - {"grpSp"}:
            yield from all_shapes(part)
