"""Pages of a PDF that are pictures."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium_c

from ingest.adapters.parsers.local.ocr.bitmap import (
    MIN_PIXELS,
    Bitmap,
    PictureUnreadable,
    fitting_scale,
)
from ingest.adapters.parsers.local.ocr.recognition import Recognition

FEW_LETTERS = 16
"""A page with fewer is recognized if it shows anything else."""
STAMP_LETTERS = 100
"""A page with fewer is recognized if a picture covers it: its letters may be only a stamp."""
MARGIN_LETTERS = 500
"""A page with fewer is recognized if a picture covers it, and they stand at its edges alone."""
_COVERED = 0.8
_HALF = 0.4
_EDGE = 0.12
"""Share of the page that is its upper or lower edge, or one at its sides."""
_SMALLEST_PICTURE = 0.02
"""Share of the page; a smaller picture is a mark or a logo."""
_OUTLINED_LETTERS = 30
"""Paths on a page with letters that may be more of them, drawn as outlines."""
_MAX_OBJECTS = 5000
_POINTS_PER_INCH = 72
_INVISIBLE = pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE


@dataclass(slots=True)
class _Shown:
    """What a page shows beside its text."""

    cover: float = 0.0
    """Share of the page that its largest picture covers."""
    pixels_per_point: float = 0.0
    """Of the largest picture; 0 when it is unknown."""
    paths: int = 0
    has_invisible_text: bool = False
    has_inner_text: bool = False
    """Whether some text stands elsewhere than at the edges."""


def recognize_page(
    page: pypdfium2.PdfPage, number: int, own: str, recognition: Recognition
) -> str | None:
    """Recognize a page that is a picture.

    Args:
        page: The open page.
        number: Its number, from 1.
        own: The text that it holds.
        recognition: The document's.

    Returns:
        The whole text of the page; None when its own text is all that there is.
    """
    letters = sum(map(str.isalnum, own))
    if letters >= MARGIN_LETTERS:
        return None
    shown = _look(page)
    if letters >= STAMP_LETTERS and (shown.has_inner_text or shown.cover < _COVERED):
        return None
    few = letters < FEW_LETTERS
    outlines = _OUTLINED_LETTERS if letters else 1
    if few and shown.cover < _SMALLEST_PICTURE and shown.paths < outlines:
        if not letters:
            recognition.refuse(number)
        return None
    if not few and (shown.cover < _HALF or shown.has_invisible_text):
        return None
    draw = partial(_draw, page, shown, recognition.options.dpi)
    try:
        return recognition.read(number, draw, own=own, needed=few)
    except PictureUnreadable:
        recognition.refuse(number, "its picture cannot be drawn")
        return None


def _look(page: pypdfium2.PdfPage) -> _Shown:
    shown = _Shown()
    width, height = page.get_size()
    for count, thing in enumerate(page.get_objects(max_depth=3)):
        if count >= _MAX_OBJECTS:
            break
        if thing.type == pdfium_c.FPDF_PAGEOBJ_PATH:
            shown.paths += 1
        elif thing.type == pdfium_c.FPDF_PAGEOBJ_TEXT:
            shown.has_invisible_text |= pdfium_c.FPDFTextObj_GetTextRenderMode(thing) == _INVISIBLE
            shown.has_inner_text = shown.has_inner_text or _is_inner(thing, width, height)
        elif thing.type in {pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_SHADING}:
            _measure(thing, width * height, shown)
    return shown


def _is_inner(text: pypdfium2.PdfObject, width: float, height: float) -> bool:
    left, bottom, right, top = _outermost(text).get_bounds()
    return all(
        _EDGE * size < (low + high) / 2 < (1 - _EDGE) * size
        for low, high, size in ((left, right, width), (bottom, top, height))
    )


def _outermost(thing: pypdfium2.PdfObject) -> pypdfium2.PdfObject:
    """Only the outermost form has a place on the page."""
    while thing.container is not None:
        thing = thing.container
    return thing


def _measure(picture: pypdfium2.PdfObject, area: float, shown: _Shown) -> None:
    left, bottom, right, top = _outermost(picture).get_bounds()
    cover = (right - left) * (top - bottom) / max(area, 1.0)
    if cover > shown.cover:
        shown.cover = cover
        if picture.type == pdfium_c.FPDF_PAGEOBJ_IMAGE and cover > _COVERED:
            pixels = max(picture.get_px_size())
            shown.pixels_per_point = pixels / max(right - left, top - bottom, 1.0)


def _draw(page: pypdfium2.PdfPage, shown: _Shown, dpi: int) -> Bitmap:
    """Draw a page, in no more pixels than its picture has."""
    width, height = page.get_size()
    scale = dpi / _POINTS_PER_INCH
    if shown.pixels_per_point:
        enough = (MIN_PIXELS / max(width * height, 1.0)) ** 0.5
        scale = min(scale, max(shown.pixels_per_point, enough))
    scale = fitting_scale(width, height, scale)
    try:
        drawn = page.render(scale=scale, grayscale=True)
    except (pypdfium2.PdfiumError, ValueError) as exc:
        raise PictureUnreadable("it cannot be drawn") from exc
    try:
        pixels = np.ascontiguousarray(drawn.to_numpy().reshape(drawn.height, drawn.width))
        return Bitmap(pixels.tobytes(), drawn.width, drawn.height, round(scale * _POINTS_PER_INCH))
    finally:
        drawn.close()
