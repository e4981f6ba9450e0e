"""Reads pictures by recognizing their text: each page of a TIFF, and the first frame of others."""

from functools import partial

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.ocr.bitmap import PictureUnreadable
from ingest.adapters.parsers.local.ocr.pictures import Pictures
from ingest.adapters.parsers.local.ocr.recognition import OFF
from ingest.domain.errors import DocumentUnreadable, UnsupportedMediaType
from ingest.domain.parse_warning import WarningCode


def parse_image(data: bytes, draft: Draft, *, kind: str) -> None:
    """Recognize the text of a picture.

    Args:
        data: The file.
        draft: Gets the text.
        kind: Name of its media type.

    Raises:
        UnsupportedMediaType: no text can be recognized here; the message says what to install.
        DocumentRejected: unreadable, too many pages, too many pixels, or too much text.
    """
    recognition = draft.recognition
    if recognition.unavailable and recognition.unavailable != OFF:
        raise UnsupportedMediaType(f"the content is a {kind} picture: {recognition.unavailable}")
    if recognition.unavailable:
        draft.begin_page(1)
        recognition.refuse(1, OFF)
    else:
        _read_pages(Pictures(data, kind=kind), draft)


def _read_pages(pictures: Pictures, draft: Draft) -> None:
    frames = list(pictures.pages())
    draft.expect_pages(len(frames))
    if not pictures.is_paged and pictures.frames > 1:
        draft.warn(
            WarningCode.PART_NOT_READ,
            f"only the first of the {pictures.frames} pictures of the animation was read",
        )
    broken = 0
    for number, frame in enumerate(frames, start=1):
        draft.begin_page(number)
        try:
            text = draft.recognition.read(number, partial(pictures.draw, frame))
        except PictureUnreadable as exc:
            broken += 1
            draft.warn(WarningCode.PAGE_NOT_READ, f"page {number} was not read: {exc}")
            continue
        if text:
            draft.add(text)
    if broken == len(frames):
        raise DocumentUnreadable("the picture is truncated or corrupt")
