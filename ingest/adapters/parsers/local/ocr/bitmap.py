"""A picture in shades of gray."""

import math
from dataclasses import dataclass

import numpy as np

MAX_PIXELS = 16_000_000
"""Largest picture that is recognized, as A3 in 270 dpi; a larger one is scaled down first."""
MAX_SIDE = 16_000
"""Longest side in pixels; Tesseract refuses one over 32,767."""
MIN_PIXELS = 4_000_000
"""About A4 in 200 dpi: enough for small print, so no drawing needs more than its picture has."""


class PictureUnreadable(Exception):
    """A picture cannot be drawn; the message says why."""


@dataclass(frozen=True, slots=True)
class Bitmap:
    """Rows from top to bottom, a byte for each pixel, 0 is black."""

    pixels: bytes
    width: int
    height: int
    dpi: int

    def turned(self, degrees: int) -> "Bitmap":
        """The picture turned against the clock, by a multiple of 90 degrees."""
        rows = np.frombuffer(self.pixels, np.uint8).reshape(self.height, self.width)
        turned = np.rot90(rows, degrees // 90)
        return Bitmap(turned.tobytes(), turned.shape[1], turned.shape[0], self.dpi)

    @property
    def is_blank(self) -> bool:
        """Whether all pixels have about the same shade."""
        shades = np.frombuffer(self.pixels, np.uint8)
        return not shades.size or int(shades.max()) - int(shades.min()) < 16


def fitting_scale(width: float, height: float, scale: float) -> float:
    """The scale, or a smaller one with which the picture stays within the limits."""
    area = max(width * height, 1e-9)
    return min(scale, math.sqrt(MAX_PIXELS / area), MAX_SIDE / max(width, height, 1e-9))
