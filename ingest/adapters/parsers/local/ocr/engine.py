"""Tesseract: its packages, its language models, and one pass over a picture."""

import os
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.adapters.parsers.local.ocr.bitmap import Bitmap

INSTALL = "pip install 'ingest[ocr]'"
_NEEDED = ("tesserocr", "PIL")
_PACKAGED = frozenset({"deu", "eng", "jpn"})
"""Languages with a package ``tessdata.fast-…``."""
_MODEL = ".traineddata"
_ORIENTATION = "osd"
_MAX_MILLISECONDS = 10**9


class OcrUnavailable(Exception):
    """Nothing can be recognized here; the message says what to install."""


class OutOfTime(Exception):
    """The recognition of a picture took too long."""


@dataclass(frozen=True, slots=True)
class Recognized:
    """What was seen in a picture."""

    text: str
    confidence: int
    """Mean of the words, 0 to 100; 0 when there are none."""
    script: str = ""
    """Of a picture that reads badly, when its letters show it: for example Cyrillic."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a page lies, by the shapes of its letters."""

    degrees: int
    """To turn the picture against the clock, so that it stands upright."""
    confidence: float
    """Over 2 is reliable."""
    script: str
    """For example Latin or Cyrillic."""


class Engine:
    """Tesseract with its models loaded; for one thread."""

    def __init__(self, folder: Path, languages: tuple[str, ...]) -> None:
        """Load the models.

        Raises:
            OcrUnavailable: Tesseract does not take a model.
        """
        # Read when the library is loaded: more threads would take the cores of other parsers.
        os.environ.setdefault("OMP_THREAD_LIMIT", "1")
        import tesserocr

        self._folder = str(folder)
        self._library: Any = tesserocr
        self._orientation: Any = None
        try:
            self._api = tesserocr.PyTessBaseAPI(
                path=self._folder, lang="+".join(languages), psm=tesserocr.PSM.AUTO
            )
        except RuntimeError as exc:
            raise OcrUnavailable(
                f"the language models {'+'.join(languages)} in {self._folder!r} cannot be loaded"
            ) from exc

    def read(self, bitmap: "Bitmap", *, deadline: float) -> Recognized:
        """Recognize a picture as it lies.

        Args:
            bitmap: The picture.
            deadline: On the monotonic clock, in seconds.

        Raises:
            OutOfTime: the deadline passed.
        """
        left = deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        try:
            _show(self._api, bitmap)
            if (
                not self._api.Recognize(int(min(max(left * 1000, 1), _MAX_MILLISECONDS)))
                or time.monotonic() > deadline
            ):
                raise OutOfTime
            text = self._api.GetUTF8Text()
            words = any(map(str.isalnum, text))
            return Recognized(text, self._api.MeanTextConf()) if words else Recognized("", 0)
        except RuntimeError:  # Tesseract refuses the picture, or finds nothing at all in it
            return Recognized("", 0)
        finally:
            self._api.Clear()

    def orientation(self, bitmap: "Bitmap") -> Orientation | None:
        """How the page lies; None when there is no model for it, or too few letters."""
        if models_missing(Path(self._folder), (_ORIENTATION,)):
            return None
        if self._orientation is None:
            self._orientation = self._library.PyTessBaseAPI(
                path=self._folder, lang=_ORIENTATION, psm=self._library.PSM.OSD_ONLY
            )
        try:
            _show(self._orientation, bitmap)
            seen = self._orientation.DetectOrientationScript()
        except RuntimeError:
            return None
        finally:
            self._orientation.Clear()
        if not seen:
            return None
        return Orientation(seen["orient_deg"], seen["orient_conf"], seen["script_name"])


def _show(api: Any, bitmap: "Bitmap") -> None:
    api.SetImageBytes(bitmap.pixels, bitmap.width, bitmap.height, 1, bitmap.width)
    api.SetSourceResolution(bitmap.dpi)


def packages_missing() -> str | None:
    """How to install what is missing; None when all packages are there."""
    if all(find_spec(name) for name in _NEEDED):
        return None
    return f"the packages that recognize text in pictures are not installed: {INSTALL}"


def models_missing(folder: Path, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The languages without a model in the folder."""
    return tuple(name for name in languages if not (folder / f"{name}{_MODEL}").is_file())


def how_to_get(language: str, folder: Path) -> str:
    """Where the model of a language comes from."""
    put = f"put {language}{_MODEL} into {str(folder)!r}, or name its folder in INGEST_OCR_TESSDATA"
    return f"pip install tessdata.fast-{language}, or {put}" if language in _PACKAGED else put


def models_folder(chosen: str) -> Path:
    """The folder of the language models: the chosen one, or that of the packages."""
    return Path(chosen) if chosen else Path(sys.prefix, "share", "tessdata")


@lru_cache(1)
def open_engine(folder: Path, languages: tuple[str, ...]) -> Engine:
    """The engine of this process, which is kept for all documents.

    Raises:
        OcrUnavailable: Tesseract does not take a model.
    """
    return Engine(folder, languages)
