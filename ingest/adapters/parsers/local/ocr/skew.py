"""Levels pages that were scanned at a slant, whose lines Tesseract would mix up."""

import numpy as np
from numpy.typing import NDArray

from ingest.adapters.parsers.local.ocr.bitmap import Bitmap

_WIDTH = 800
"""Pixels to which a picture is reduced before it is measured."""
_INK = 40
"""Least difference of shade between ink and paper."""
_MAX_POINTS = 60_000
_WIDEST = 15.0
"""Largest slant that is looked for, in degrees."""
_COARSE, _FINE = 0.5, 0.1
_CLEARLY = 1.15
"""How much sharper the lines must become."""


def slant(bitmap: Bitmap) -> float:
    """Degrees to turn a picture against the clock, so that its lines are level; 0 if unclear."""
    rows = np.frombuffer(bitmap.pixels, np.uint8).reshape(bitmap.height, bitmap.width)
    step = max(1, bitmap.width // _WIDTH)
    small = _reduced(rows, step)
    ys, xs = np.nonzero(np.abs(small.astype(np.int16) - int(np.median(small))) > _INK)
    if not len(ys):
        return 0.0
    if len(ys) > _MAX_POINTS:
        chosen = np.linspace(0, len(ys) - 1, _MAX_POINTS).astype(np.intp)
        ys, xs = ys[chosen], xs[chosen]
    level = _sharpness(ys, xs, 0.0)
    coarse = _best(ys, xs, np.arange(-_WIDEST, _WIDEST + _COARSE, _COARSE))
    fine = _best(ys, xs, np.arange(coarse - _COARSE, coarse + _COARSE, _FINE))
    return fine if _sharpness(ys, xs, fine) > _CLEARLY * level else 0.0


def leveled(bitmap: Bitmap) -> Bitmap:
    """The picture with level lines."""
    degrees = slant(bitmap)
    if not degrees:
        return bitmap
    from PIL import Image

    image = Image.frombytes("L", (bitmap.width, bitmap.height), bitmap.pixels)
    paper = int(np.median(np.frombuffer(bitmap.pixels, np.uint8)))
    turned = image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=paper)
    return Bitmap(turned.tobytes(), turned.width, turned.height, bitmap.dpi)


def _reduced(rows: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """The darkest of neighbours, so that thin strokes stay."""
    height, width = (size // step * step for size in rows.shape)
    blocks = rows[:height, :width].reshape(height // step, step, width // step, step)
    return np.asarray(blocks.mean(axis=(1, 3)), np.uint8)


def _best(ys: NDArray[np.intp], xs: NDArray[np.intp], angles: NDArray[np.float64]) -> float:
    return float(max(angles, key=lambda degrees: _sharpness(ys, xs, float(degrees))))


def _sharpness(ys: NDArray[np.intp], xs: NDArray[np.intp], degrees: float) -> float:
    """How much the ink of neighbouring rows differs, were the picture turned."""
    turn = np.radians(degrees)
    places = (ys * np.cos(turn) - xs * np.sin(turn)).astype(np.intp)
    rows = np.bincount(places - places.min()).astype(np.float64)
    return float(np.square(np.diff(rows)).sum())
