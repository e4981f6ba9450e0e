"""Warnings of a parser: parts of a document that were not read, or not read for sure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

MAX_WARNINGS = 100
"""Most warnings that a document keeps; the last one then tells how many more there were."""
MAX_WARNING_CHARS = 500
_MAX_SPANS = 20


class WarningCode(StrEnum):
    """What happened to a part of a document."""

    PAGE_WITHOUT_TEXT = "page_without_text"
    """A page or picture holds no text, and nothing else was read from it."""
    PAGE_NOT_READ = "page_not_read"
    """A page, slide or chapter is damaged or missing; the rest was read."""
    SHEET_SKIPPED = "sheet_skipped"
    """A sheet of a workbook was not read."""
    ROWS_CUT = "rows_cut"
    """Rows, columns or cells of a table were left out."""
    PART_NOT_READ = "part_not_read"
    """A part beside the text was not read, for example a chart or an embedded file."""
    ATTACHMENT_NOT_READ = "attachment_not_read"
    """An attachment was named, but its contents were not read."""
    CHARSET_GUESSED = "charset_guessed"
    """The file does not declare its charset, and the guess may be wrong."""
    CHARACTERS_UNREADABLE = "characters_unreadable"
    """Some characters have no known meaning and became U+FFFD, or were left out."""
    VALUE_NOT_COMPUTED = "value_not_computed"
    """A formula or field has no stored value."""
    HIDDEN_TEXT_LEFT_OUT = "hidden_text_left_out"
    """Text that the document hides was left out."""
    DATA_LEFT_OUT = "data_left_out"
    """Encoded data, for example a picture in the text, was left out."""
    TEXT_CUT = "text_cut"
    """The text was cut at a limit."""
    TEXT_RECOGNIZED = "text_recognized"
    """Text was recognized in a picture (OCR) and may hold errors."""
    REPAIRED = "repaired"
    """The file is damaged and was read after a repair; parts may be missing."""
    STRUCTURE_NOT_READ = "structure_not_read"
    """The text is kept as written, because its records, columns or elements cannot be read."""
    MORE_WARNINGS = "more_warnings"
    """The document had more warnings than are kept."""
    OTHER = "other"
    """Newer code gave a warning with a code that this code does not know."""


@dataclass(frozen=True, slots=True)
class ParseWarning:
    """One warning about a document, for a person to read."""

    code: WarningCode
    message: str
    """One sentence that names the place, such as ``pages 2 to 4 hold no text``."""

    @classmethod
    def decoded(cls, code: str, message: str) -> "ParseWarning":
        """A warning that was stored, also by newer code; its text must not become unreadable.

        Raises:
            TypeError: the message is not a text.
        """
        if not isinstance(message, str):
            raise TypeError("the message of a warning is a text")
        known = code in WarningCode.__members__.values()
        return cls(WarningCode(code) if known else WarningCode.OTHER, message)


def name_numbers(noun: str, numbers: Iterable[int]) -> str:
    """Name parts by their numbers, e.g. ``page 3``, or ``pages 2 to 4, 7 and 9``."""
    ordered = sorted(set(numbers))
    spans: list[tuple[int, int]] = []
    for number in ordered:
        first, last = spans[-1] if spans else (number, -1)
        if number == last + 1:
            spans[-1] = first, number
        else:
            spans.append((number, number))
    named: list[str] = []
    for first, last in spans[:_MAX_SPANS]:
        named += [f"{first} to {last}"] if last > first + 1 else map(str, range(first, last + 1))
    if rest := sum(last + 1 - first for first, last in spans[_MAX_SPANS:]):
        named.append(f"{rest} more")
    *before, end = named
    listed = f"{', '.join(before)} and {end}" if before else end
    return f"{noun}{'s' * (len(ordered) > 1)} {listed}"
