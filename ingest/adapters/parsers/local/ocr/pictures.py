"""Decodes files of pictures, in bounded memory."""

import io
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from ingest.adapters.parsers.local.ocr.bitmap import Bitmap, PictureUnreadable, fitting_scale
from ingest.domain.errors import DocumentUnreadable, ParserLimitExceeded

if TYPE_CHECKING:
    from PIL.Image import Image, Transpose

MAX_FILE_PIXELS = 150_000_000
"""Largest picture that is decoded; a small file may claim far more (decompression bomb)."""
_PLUGINS = ("Png", "Jpeg", "Tiff", "WebP", "Gif", "Bmp")
_SMALL_PIXELS = 1_500_000
"""A smaller picture is doubled: letters of a screen are too small for Tesseract."""
_SENSIBLE_DPI = range(70, 1201)
_USUAL_DPI = 200
_ORIENTATION_TAG = 274
"""Of EXIF, from 1 to 8."""
_SUBFILE_TYPE, _REDUCED = 254, 1
"""The tag of TIFF that marks a frame as a small copy of another."""
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError)
"""What Pillow raises for broken files, as its documentation says: many kinds."""


class Pictures:
    """The pictures of a file; all frames of a TIFF, and the first one of other formats."""

    def __init__(self, data: bytes, *, kind: str) -> None:
        """Read the file's head.

        Args:
            data: The file.
            kind: The format's name in messages.

        Raises:
            DocumentUnreadable: it is not a picture, or it is broken.
        """
        from PIL import Image

        self._kind = kind
        Image.MAX_IMAGE_PIXELS = None  # the check is ours, with an error of its own
        try:
            with warnings.catch_warnings(action="ignore"):
                self._image: Image.Image = Image.open(io.BytesIO(data), formats=_formats())
                self.frames: int = getattr(self._image, "n_frames", 1)
                if self._image.format == "MPO":  # a camera adds small copies of its picture
                    self.frames = 1
        except _BROKEN as exc:
            raise DocumentUnreadable(f"the {kind} picture is truncated or corrupt") from exc

    @property
    def is_paged(self) -> bool:
        """Whether each frame is a page; else the others are an animation."""
        return self._image.format == "TIFF"

    def pages(self) -> Iterator[int]:
        """The positions of the frames that are pages."""
        for frame in range(self.frames if self.is_paged else 1):
            try:
                self._image.seek(frame)
                tags = getattr(self._image, "tag_v2", {})
                reduced = bool(int(tags.get(_SUBFILE_TYPE, 0)) & _REDUCED)
            except _BROKEN:
                reduced = False  # drawing it says what is wrong
            if not reduced:
                yield frame

    def draw(self, frame: int) -> Bitmap:
        """Decode a frame, upright and in shades of gray.

        Raises:
            ParserLimitExceeded: it has more pixels than the limit.
            PictureUnreadable: it is broken.
        """
        try:
            with warnings.catch_warnings(action="ignore"):
                self._image.seek(frame)
                self._check_size()
                return _gray(self._image)
        except _BROKEN as exc:
            raise PictureUnreadable("it is truncated or corrupt") from exc

    def _check_size(self) -> None:
        width, height = self._image.size
        if width * height > MAX_FILE_PIXELS:
            raise ParserLimitExceeded(
                f"the {self._kind} picture has {width} × {height} pixels, "
                f"limit {MAX_FILE_PIXELS}: scale it down"
            )


def _formats() -> list[str]:
    """The formats that are read, with the code for them alone."""
    for plugin in _PLUGINS:
        import_module(f"PIL.{plugin}ImagePlugin")
    return [plugin.upper() for plugin in _PLUGINS]


def _gray(image: "Image") -> Bitmap:
    from PIL import Image

    dpi, turn = _dpi(image), _turn(image)
    width, height = image.size
    scale = fitting_scale(width, height, 2.0 if width * height < _SMALL_PIXELS else 1.0)
    image.draft("L", (int(width * scale), int(height * scale)))  # a JPEG is decoded smaller
    flat = _flat(image)
    if scale != 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        flat = flat.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if turn is not None:
        flat = flat.transpose(turn)
    scaled_dpi = min(max(round(dpi * scale), _SENSIBLE_DPI.start), _SENSIBLE_DPI.stop)
    return Bitmap(flat.tobytes(), flat.width, flat.height, scaled_dpi)


def _flat(image: "Image") -> "Image":
    """Shades of gray on white paper."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        deep = image.convert("F")
        low, high = (float(str(shade)) for shade in deep.getextrema())
        factor = 255 / max(high - low, 1e-9)
        return deep.point(lambda shade: shade * factor - low * factor).convert("L")
    if image.has_transparency_data:
        shown = image.convert("RGBA")
        paper = Image.new("L", shown.size, 255)
        paper.paste(shown.convert("L"), mask=shown.getchannel("A"))
        return paper
    return image.convert("L")


def _turn(image: "Image") -> "Transpose | None":
    """What makes the picture of a camera upright."""
    from PIL.Image import Transpose

    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(image.getexif().get(_ORIENTATION_TAG, 1))


def _dpi(image: "Image") -> int:
    named = image.info.get("dpi")
    try:
        dpi = round(float(named[0])) if named else 0
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        dpi = 0
    return dpi if dpi in _SENSIBLE_DPI else _USUAL_DPI
