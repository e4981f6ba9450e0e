"""Ruling lines of a page: thin shapes, sides of boxes, and straight strokes of drawings."""

import ctypes
from dataclasses import dataclass, field
from typing import Any

import pypdfium2.raw as pdfium_c

from ingest.adapters.parsers.local.formats.pdf.words import PagePlace

_THIN = 2.6
_SHORTEST = 6.0
_MAX_OBJECTS = 20_000
_MAX_PATHS = 3_000
_MAX_SEGMENTS = 600
_BOX_SEGMENTS = 6
_PAGE_SHARE = 0.95
_NEAR = 2.0

Rule = tuple[float, float, float]
"""Where it lies (y of a horizontal, x of a vertical one), and its two ends."""


@dataclass(slots=True)
class Rulings:
    """Lines of a page as it is shown."""

    across: list[Rule] = field(default_factory=list)
    down: list[Rule] = field(default_factory=list)


def read_rulings(page: Any, place: PagePlace) -> Rulings:
    """Collect the ruling lines of a page; a page with very many shapes is a drawing, not a form."""
    found = Rulings()
    paths = 0
    box = [ctypes.c_float() for _ in range(4)]
    for index in range(min(pdfium_c.FPDFPage_CountObjects(page), _MAX_OBJECTS)):
        shape = pdfium_c.FPDFPage_GetObject(page, index)
        if pdfium_c.FPDFPageObj_GetType(shape) != pdfium_c.FPDF_PAGEOBJ_PATH:
            continue
        paths += 1
        if paths > _MAX_PATHS:
            return Rulings()
        if pdfium_c.FPDFPageObj_GetBounds(shape, *box):
            left, low, right, high = (side.value for side in box)
            _add_shape(found, shape, place, (left, low, right, high))
    return Rulings(_joined(found.across), _joined(found.down))


def _add_shape(
    found: Rulings, shape: Any, place: PagePlace, bounds: tuple[float, float, float, float]
) -> None:
    left, top, right, bottom = place.shown(*bounds)
    width, height = right - left, bottom - top
    if height <= _THIN:
        if width >= _SHORTEST:
            found.across.append(((top + bottom) / 2, left, right))
    elif width <= _THIN:
        if height >= _SHORTEST:
            found.down.append(((left + right) / 2, top, bottom))
    elif pdfium_c.FPDFPath_CountSegments(shape) <= _BOX_SEGMENTS:
        if width < place.width * _PAGE_SHARE or height < place.height * _PAGE_SHARE:
            found.across += [(top, left, right), (bottom, left, right)]
            found.down += [(left, top, bottom), (right, top, bottom)]
    else:
        _add_strokes(found, shape, place)


def _add_strokes(found: Rulings, shape: Any, place: PagePlace) -> None:
    count = pdfium_c.FPDFPath_CountSegments(shape)
    if count > _MAX_SEGMENTS:
        return
    matrix = pdfium_c.FS_MATRIX()
    if not pdfium_c.FPDFPageObj_GetMatrix(shape, ctypes.byref(matrix)):
        return
    x, y = ctypes.c_float(), ctypes.c_float()
    at = start = (0.0, 0.0)
    for index in range(count):
        segment = pdfium_c.FPDFPath_GetPathSegment(shape, index)
        pdfium_c.FPDFPathSegment_GetPoint(segment, x, y)
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        kind = pdfium_c.FPDFPathSegment_GetType(segment)
        if kind == pdfium_c.FPDF_SEGMENT_BEZIERTO:
            return
        if kind == pdfium_c.FPDF_SEGMENT_MOVETO:
            start = point
        elif kind == pdfium_c.FPDF_SEGMENT_LINETO:
            _add_stroke(found, place, at, point)
        if pdfium_c.FPDFPathSegment_GetClose(segment):
            _add_stroke(found, place, point, start)
        at = point


def _add_stroke(
    found: Rulings, place: PagePlace, one: tuple[float, float], two: tuple[float, float]
) -> None:
    left, top, right, bottom = place.shown(
        min(one[0], two[0]), min(one[1], two[1]), max(one[0], two[0]), max(one[1], two[1])
    )
    if bottom - top <= 1 and right - left >= _SHORTEST:
        found.across.append((top, left, right))
    elif right - left <= 1 and bottom - top >= _SHORTEST:
        found.down.append((left, top, bottom))


def _joined(rules: list[Rule]) -> list[Rule]:
    """Make one line of pieces that lie on each other or follow each other."""
    joined: list[Rule] = []
    for at, start, end in sorted(rules):
        for index in range(len(joined) - 1, -1, -1):
            other, first, last = joined[index]
            if at - other > _NEAR:
                joined.append((at, start, end))
                break
            if start <= last + _NEAR and end >= first - _NEAR:
                joined[index] = (other, min(first, start), max(last, end))
                break
        else:
            joined.append((at, start, end))
    return joined
