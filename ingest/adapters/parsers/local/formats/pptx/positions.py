"""Where the shapes of a slide stand, and the order in which a person reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.adapters.parsers.local.formats.office.drawing_texts import branches
from ingest.adapters.parsers.local.formats.office.shapes import SHAPES
from ingest.adapters.parsers.local.formats.trees import Element, child, local_name

_OVERLAP = 0.1
"""Share of a box that may lie over its neighbour without being beside it."""
_MAX_CUTS = 200


@dataclass(frozen=True, slots=True)
class ShapeBox:
    """A rectangle on the slide."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Scale:
    """From the coordinates inside a group to those of the slide."""

    x: float = 1
    y: float = 1
    left: float = 0
    top: float = 0

    def apply(self, box: ShapeBox) -> ShapeBox:
        return ShapeBox(
            self.left + box.left * self.x,
            self.top + box.top * self.y,
            box.width * self.x,
            box.height * self.y,
        )


def placeholder(shape: Element) -> Element | None:
    """What makes a shape a placeholder; None for other shapes."""
    for part in shape:
        if local_name(part).startswith("nv"):
            return child(part, "nvPr", "ph")
    return None


class Positions:
    """The boxes of placeholders in the layouts of a slide, nearest first."""

    def __init__(self, layouts: Sequence[Element]) -> None:
        self._by_index: dict[str, ShapeBox] = {}
        self._by_type: dict[str, ShapeBox] = {}
        for root in layouts:
            for shape, box in placed(root):
                mark = placeholder(shape)
                if mark is not None and box is not None:
                    if root is layouts[0]:
                        self._by_index.setdefault(mark.get("idx") or "0", box)
                    self._by_type.setdefault(_kind(mark), box)

    def of(self, shape: Element, own: ShapeBox | None) -> ShapeBox | None:
        """The box of a shape; a placeholder without one has that of its layout."""
        mark = placeholder(shape)
        if own is not None or mark is None:
            return own
        by_index = self._by_index.get(mark.get("idx") or "0")
        return self._by_type.get(_kind(mark)) if by_index is None else by_index


def _kind(mark: Element) -> str:
    return {"ctrTitle": "title", "subTitle": "body", "obj": "body"}.get(
        mark.get("type") or "obj", mark.get("type") or "body"
    )


def placed(
    element: Element, scale: _Scale | None = None
) -> Iterator[tuple[Element, ShapeBox | None]]:
    """The shapes below an element with their own boxes, also those inside groups."""
    for part in branches(element):
        name = local_name(part)
        if name not in SHAPES:
            yield from placed(part, scale)
            continue
        own = _box(part)
        yield part, own if own is None or scale is None else scale.apply(own)
        if name == "grpSp":
            yield from placed(part, _group_scale(part, scale))


def _transform(shape: Element) -> Element | None:
    for part in shape:
        name = local_name(part)
        if name == "xfrm":
            return part
        if name in {"spPr", "grpSpPr"}:
            return child(part, "xfrm")
    return None


def _pair(
    transform: Element | None, name: str, first: str, second: str
) -> tuple[float, float] | None:
    found = child(transform, name)
    if found is None:
        return None
    try:
        return float(found.get(first) or ""), float(found.get(second) or "")
    except ValueError:
        return None


def _box(shape: Element) -> ShapeBox | None:
    transform = _transform(shape)
    place, size = _pair(transform, "off", "x", "y"), _pair(transform, "ext", "cx", "cy")
    return None if place is None or size is None else ShapeBox(*place, *size)


def _group_scale(group: Element, outer: _Scale | None) -> _Scale | None:
    transform = _transform(group)
    box = _box(group)
    corner, size = _pair(transform, "chOff", "x", "y"), _pair(transform, "chExt", "cx", "cy")
    if box is None or corner is None or size is None:
        return outer
    (left, top), (width, height) = corner, size
    box = box if outer is None else outer.apply(box)
    x = box.width / width if width else 1
    y = box.height / height if height else 1
    return _Scale(x, y, box.left - left * x, box.top - top * y)


def reading_order(boxes: Sequence[ShapeBox]) -> list[int]:
    """The indexes of boxes from top to bottom; those side by side from left to right."""
    return list(_ordered(list(range(len(boxes))), boxes, _MAX_CUTS))


def _ordered(places: list[int], boxes: Sequence[ShapeBox], cuts: int) -> list[int]:
    if len(places) < 2 or not cuts:
        return places
    for low, size in (("top", "height"), ("left", "width")):
        groups = _cut(places, boxes, low, size)
        if len(groups) > 1:
            return [at for group in groups for at in _ordered(group, boxes, cuts - 1)]
    return sorted(places, key=lambda at: (boxes[at].top, boxes[at].left))


def _cut(places: list[int], boxes: Sequence[ShapeBox], low: str, size: str) -> list[list[int]]:
    """Groups between which a straight line fits."""
    groups: list[list[int]] = []
    end = 0.0
    for at in sorted(places, key=lambda at: getattr(boxes[at], low)):
        start, extent = getattr(boxes[at], low), getattr(boxes[at], size)
        if groups and start + extent * _OVERLAP < end:
            groups[-1].append(at)
        else:
            groups.append([at])
            end = start
        end = max(end, start + extent * (1 - _OVERLAP))
    return groups
