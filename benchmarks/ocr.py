"""Recognition of text: how many characters are wrong, and the CPU seconds of a page.

Pages of generated prose are drawn with 200 dots an inch and made worse; the text that they were
drawn from is the truth. The baseline is Tesseract alone, as it reads the same pictures without
levelling and without turning.
"""

import io
import random
import re
import resource
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import pypdfium2
from PIL import Image, ImageFilter
from PIL.Image import Image as Picture

from benchmarks import corpus
from benchmarks.reading_scores import distance
from benchmarks.report import Report, Results, run
from ingest.adapters.parsers.local.ocr.bitmap import Bitmap
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.ocr.recognizer import Recognizer

_DPI = 200
_SECONDS = 600.0
"""Most for a page; never reached."""


def measure(quick: bool) -> Report:
    """Read every page in every condition."""
    pages = 2 if quick else 4
    recognizer = Recognizer.open(OcrOptions())
    drawn = [_page(random.Random(seed)) for seed in range(pages)]
    results: Results = {}
    for name, spoil in _CONDITIONS.items():
        rng = np.random.default_rng(7)
        pictures = [spoil(picture, rng) for picture, _ in drawn]
        bitmaps = [
            Bitmap(picture.tobytes(), picture.width, picture.height, _DPI) for picture in pictures
        ]
        truths = [truth for _, truth in drawn]
        results |= _compare(recognizer, bitmaps, truths, name)
    results["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Report(
        "ocr",
        {"pages": pages, "dpi": _DPI},
        "Tesseract alone (alone)",
        results,
        dataset="pages of generated English prose: as drawn; as a bad scan (0.7 degrees aslant, "
        "blurred, with noise, JPEG of quality 45); 2 to 10 degrees aslant; on their side",
    )


def _page(rng: random.Random) -> tuple[Picture, str]:
    """The first page of a document, and its text."""
    document = pypdfium2.PdfDocument(corpus.write_pdf(corpus.prose(rng, 2500)))
    page = document[0]
    picture: Picture = page.render(scale=_DPI / 72, grayscale=True).to_pil()
    text: str = page.get_textpage().get_text_range()
    document.close()
    return picture, text


def _as_drawn(picture: Picture, rng: np.random.Generator) -> Picture:
    return picture


def _scan(picture: Picture, rng: np.random.Generator) -> Picture:
    blurred = _turned(picture, 0.7).filter(ImageFilter.GaussianBlur(1.6))
    shades = np.asarray(blurred, np.float64) + rng.normal(0, 25, (blurred.height, blurred.width))
    out = io.BytesIO()
    Image.fromarray(np.clip(shades, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=45)
    return Image.open(out).convert("L")


def _aslant(picture: Picture, rng: np.random.Generator) -> Picture:
    return _turned(picture, float(rng.uniform(2, 10)))


def _turned(picture: Picture, degrees: float) -> Picture:
    return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)


_CONDITIONS: dict[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "clean": _as_drawn,
    "scan": _scan,
    "aslant": _aslant,
    "on_side": lambda picture, _: picture.transpose(Image.Transpose.ROTATE_90),
}


def _compare(
    recognizer: Recognizer, bitmaps: Sequence[Bitmap], truths: Sequence[str], name: str
) -> Results:
    began = time.process_time()
    ours = [recognizer.read(bitmap, seconds=_SECONDS).text for bitmap in bitmaps]
    spent = time.process_time() - began
    began = time.process_time()
    deadline = time.monotonic() + _SECONDS
    alone = [recognizer.engine.read(bitmap, deadline=deadline).text for bitmap in bitmaps]
    spent_alone = time.process_time() - began
    return {
        f"cer_{name}": statistics.mean(map(_errors, ours, truths)),
        f"cer_{name}_alone": statistics.mean(map(_errors, alone, truths)),
        f"cpu_s_per_page_{name}": spent / len(bitmaps),
        f"cpu_s_per_page_{name}_alone": spent_alone / len(bitmaps),
    }


def _errors(found: str, truth: str) -> float:
    """Characters to change, add or remove for each one of the truth; line breaks are blanks."""
    ours, theirs = (re.sub(r"\s+", " ", text).strip() for text in (found, truth))
    return distance(ours, theirs) / max(1, len(theirs))


if __name__ == "__main__":
    run(measure, description=__doc__)
