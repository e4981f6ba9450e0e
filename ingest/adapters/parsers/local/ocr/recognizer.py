"""Reads pictures that may lie on their side, or at a slant."""

import time
from dataclasses import dataclass, replace

from ingest.adapters.parsers.local.ocr.bitmap import Bitmap
from ingest.adapters.parsers.local.ocr.engine import (
    Engine,
    OcrUnavailable,
    Orientation,
    OutOfTime,
    Recognized,
    how_to_get,
    models_folder,
    models_missing,
    open_engine,
    packages_missing,
)
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.ocr.skew import leveled

_SURE = 2.0
"""Confidence of an orientation above which no other one is tried."""
_SURE_OF_SCRIPT = 5.0
_TURNS = (90, 270, 180)


@dataclass(frozen=True, slots=True)
class Recognizer:
    """Recognizes the text of pictures, in any of the four directions."""

    engine: Engine
    least_confidence: int
    missing: str = ""
    """Which of the chosen languages are left out, and how to get them."""

    @classmethod
    def open(cls, options: OcrOptions) -> "Recognizer":
        """Load the models of all chosen languages that are there.

        Raises:
            OcrUnavailable: a package is missing, or all models are.
        """
        if absent := packages_missing():
            raise OcrUnavailable(absent)
        folder = models_folder(options.tessdata)
        without = models_missing(folder, options.languages)
        told = "; ".join(
            f"the language model {name} is missing: {how_to_get(name, folder)}" for name in without
        )
        present = tuple(name for name in options.languages if name not in without)
        if not present:
            raise OcrUnavailable(told)
        return cls(open_engine(folder, present), options.least_confidence, told)

    def read(self, bitmap: Bitmap, *, seconds: float) -> Recognized:
        """Recognize a picture; one that reads badly is turned.

        Args:
            bitmap: The picture.
            seconds: Most time for it.

        Raises:
            OutOfTime: it took longer.
        """
        deadline = time.monotonic() + seconds
        if bitmap.is_blank:
            return Recognized("", 0)
        level = leveled(bitmap)
        best = self.engine.read(level, deadline=deadline)
        if best.confidence >= self.least_confidence:
            return best
        seen = self.engine.orientation(level)
        try:
            for degrees in _turns(seen, is_empty=not best.text):
                found = self.engine.read(leveled(bitmap.turned(degrees)), deadline=deadline)
                best = max(best, found, key=lambda one: one.confidence)
                if best.confidence >= self.least_confidence:
                    return best
        except OutOfTime:
            pass  # the best of what was read
        script = seen.script if seen and seen.confidence >= _SURE_OF_SCRIPT else ""
        return replace(best, script=script)


def _turns(seen: Orientation | None, *, is_empty: bool) -> tuple[int, ...]:
    if seen is not None and seen.confidence >= _SURE:
        return (seen.degrees,) if seen.degrees else ()
    # A page of letters on its side reads as nonsense, but hardly as nothing.
    return () if is_empty else _TURNS
