"""The recognition of one document: its limits, and what happened to each of its pages."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ingest.adapters.parsers.local.ocr.bitmap import Bitmap
from ingest.adapters.parsers.local.ocr.engine import OcrUnavailable, OutOfTime, Recognized
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.ocr.paragraphs import paragraphs
from ingest.adapters.parsers.local.ocr.recognizer import Recognizer
from ingest.domain.parse_warning import WarningCode, name_numbers

GOOD_CONFIDENCE = 80
"""Text of a lower mean confidence is kept with a warning of its own."""
OFF = "text is not recognized here: INGEST_OCR is off, or INGEST_PARSER names a provider"
_PAGES_A_WARNING = 20


@dataclass(slots=True)
class _UsedUp:
    """What a document and the documents in it have used of the limits."""

    before_first: Callable[[], None] | None
    pages: int = 0
    seconds: float = 0.0


class Recognition:
    """Reads the pictures of a document within its limits of pages and time."""

    def __init__(
        self,
        options: OcrOptions,
        before_first: Callable[[], None] | None = None,
        *,
        inside: "Recognition | None" = None,
    ) -> None:
        """Begin; nothing is loaded before the first picture.

        Args:
            options: What is read, and the limits.
            before_first: Called once, before a picture is recognized.
            inside: That of the document which holds this one; the limits hold for both together.
        """
        self.options = options
        self._spent: _UsedUp = inside._spent if inside else _UsedUp(before_first)
        self._recognizer: Recognizer | None = None
        self._unavailable = "" if options.on else OFF
        self._tried = False
        self._good: list[int] = []
        self._poor: list[tuple[int, int]] = []
        self._refused: dict[str, list[int]] = {}

    @property
    def unavailable(self) -> str:
        """Why nothing can be recognized; empty when it can."""
        if self._recognizer is None and not self._unavailable:
            try:
                self._recognizer = Recognizer.open(self.options)
            except OcrUnavailable as exc:
                self._unavailable = str(exc)
        return self._unavailable

    def read(
        self, number: int, draw: Callable[[], Bitmap], *, own: str = "", needed: bool = True
    ) -> str | None:
        """The paragraphs of a page that is a picture, with the text that it has of its own.

        Args:
            number: The page's number, from 1.
            draw: Makes the picture.
            own: Text that the page holds beside the picture; kept in front unless the picture
                shows it, too.
            needed: Warn when nothing is recognized.

        Returns:
            None when nothing was recognized, or nothing but the page's own text.

        Raises:
            PictureUnreadable: from ``draw``.
        """
        found, confidence, refused = self._recognize(draw)
        if refused:
            if needed:
                self.refuse(number, refused)
            return None
        text = "\n\n".join(paragraphs(found))
        if _letters(text) in _letters(own):
            return None
        if confidence < GOOD_CONFIDENCE:
            self._poor.append((number, confidence))
        else:
            self._good.append(number)
        return text if _letters(own) in _letters(text) else f"{own.strip()}\n\n{text}"

    def refuse(self, number: int, why: str = "") -> None:
        """Note a page without recognized text, and why; without a reason, it shows nothing."""
        self._refused.setdefault(why, []).append(number)

    def warnings(self) -> Iterator[tuple[WarningCode, str]]:
        """What a person has to know about the pages, as codes and sentences."""
        if self._recognizer and self._recognizer.missing and self._tried:
            yield WarningCode.TEXT_RECOGNIZED, self._recognizer.missing
        recognized = sorted([*self._good, *(number for number, _ in self._poor)])
        if recognized:
            what = (
                f"the text of {name_numbers('page', recognized)} was recognized in pictures (OCR)"
            )
            yield WarningCode.TEXT_RECOGNIZED, f"{what}, and may hold errors"
        for at in range(0, len(self._poor), _PAGES_A_WARNING):
            poor = self._poor[at : at + _PAGES_A_WARNING]
            told = ", ".join(f"page {number} ({confidence})" for number, confidence in poor)
            yield (
                WarningCode.TEXT_RECOGNIZED,
                f"text was recognized with low confidence (0 to 100): {told}",
            )
        for reason, numbers in self._refused.items():
            verb = "holds" if len(numbers) == 1 else "hold"
            because = f": {reason}" if reason else ""
            yield (
                WarningCode.PAGE_WITHOUT_TEXT,
                f"{name_numbers('page', numbers)} {verb} no text{because}",
            )

    def reasons(self) -> list[str]:
        """Why pages were not recognized, each once."""
        return [reason for reason in self._refused if reason]

    def _recognize(self, draw: Callable[[], Bitmap]) -> tuple[str, int, str]:
        """Text, its confidence, and why it was refused."""
        if reason := self.unavailable:
            return "", 0, reason
        assert self._recognizer is not None  # noqa: S101 - for mypy
        options, spent = self.options, self._spent
        left = min(options.page_seconds, options.document_seconds - spent.seconds)
        if spent.pages >= options.max_pages:
            return "", 0, f"not recognized: over {options.max_pages} pages (INGEST_OCR_MAX_PAGES)"
        if left <= 0:
            return "", 0, f"not recognized: time, over {options.document_seconds:g} seconds"
        if not spent.pages and spent.before_first:
            spent.before_first()
        self._tried = True
        spent.pages += 1
        started = time.monotonic()
        try:
            seen = self._recognizer.read(draw(), seconds=left)
        except OutOfTime:
            return "", 0, f"not recognized: time, over {left:.0f} seconds"
        finally:
            spent.seconds += time.monotonic() - started
        if not seen.text:
            return "", 0, "nothing was recognized there"
        if seen.confidence < options.least_confidence:
            return "", 0, f"recognized text had confidence {seen.confidence}{self._hint(seen)}"
        return seen.text, seen.confidence, ""

    def _hint(self, seen: Recognized) -> str:
        if seen.script in {"", "Latin"}:
            return ""
        languages = ",".join(self.options.languages)
        return f"; its letters look {seen.script}, and INGEST_OCR_LANGUAGES is {languages}"


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
