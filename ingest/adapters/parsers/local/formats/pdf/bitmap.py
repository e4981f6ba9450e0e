"""Pages as pictures, for the recognition of text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_MAX_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True)
class Bitmap:
    """A picture in shades of grey, one byte for each pixel."""

    pixels: bytes
    width: int
    height: int
    stride: int
    """Bytes from one row to the next."""
    dpi: float
    """Pixels to an inch; less than asked for when the page is very large."""


Recognize = Callable[[int, Callable[[float], Bitmap]], str]
"""Gives the text of a page without text: takes its number, from 1, and what renders it at some
pixels to an inch. An empty text means that nothing was recognized."""


def render_page(page: Any, dpi: float) -> Bitmap:
    """Render a page of pypdfium2, at most 40 million pixels of it."""
    area = page.get_width() * page.get_height() / 72**2
    dpi = min(dpi, (_MAX_PIXELS / max(area, 1e-6)) ** 0.5)
    bitmap = page.render(scale=dpi / 72, grayscale=True)
    try:
        return Bitmap(bytes(bitmap.buffer), bitmap.width, bitmap.height, bitmap.stride, dpi)
    finally:
        bitmap.close()
