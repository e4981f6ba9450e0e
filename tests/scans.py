"""Pages without text: pictures of words, as files and as pages of a PDF."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import pypdfium2
from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Image as Picture
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from tests import samples

WORDS = (
    "The harbour office keeps its ledgers in the second room on the left.\n"
    "The pilot boards at the outer buoy, and the tide turns at noon."
)
A4 = (595, 842)
_FONT = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")


def page(text: str = WORDS, *, turned: float = 0, dpi: int = 200) -> Picture:
    """A printed page; turned against the clock by degrees."""
    document = pypdfium2.PdfDocument(samples.pdf(["\n" + text]))
    drawn: Picture = document[0].render(scale=dpi / 72, grayscale=True).to_pil()
    document.close()
    return drawn.rotate(turned, Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def blank(width: int = 600, height: int = 800) -> Picture:
    return Image.new("L", (width, height), 255)


def lettered(*lines: str, size: int = 32) -> Picture:
    """Lines in a font that has Cyrillic letters, too."""
    picture = blank(1600, 200 + 2 * size * len(lines))
    pen = ImageDraw.Draw(picture)
    font = ImageFont.truetype(str(_FONT), size)
    for number, line in enumerate(lines):
        pen.text((60, 60 + 2 * size * number), line, fill=0, font=font)
    return picture


def file(picture: Picture, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def pdf(*pictures: Picture | None, stamp: str = "", points_per_pixel: float = 72 / 200) -> bytes:
    """One page for each picture, which covers it; a page without one is blank."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=True)
    for picture in pictures:
        if picture is not None:
            size = (picture.width * points_per_pixel, picture.height * points_per_pixel)
            canvas.setPageSize(size)
            canvas.drawImage(ImageReader(picture), 0, 0, *size)
        if stamp:
            canvas.setFont("Helvetica", 8)
            canvas.drawString(20, 12, stamp)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def frames(pictures: Sequence[Picture], kind: str) -> bytes:
    first, *others = pictures
    return file(first, kind, save_all=True, append_images=others)
