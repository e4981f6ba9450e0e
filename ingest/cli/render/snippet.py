"""Cuts a passage to the part that is worth showing, and emphasises the words of a query in it."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from rich.padding import Padding
from rich.text import Text

from ingest.adapters.text_analysis.found_words import FoundWord, WordFinder
from ingest.cli.folding import fold
from ingest.cli.output import clean, console

_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\n(?=\s*[-*|])")
_LINK = re.compile(r"\[([^\]]+)\]\([^()\s]+\)")
_HEADING = re.compile(r"^#{1,6}\s.*$", re.MULTILINE)
_NEAR = 40
"""Characters in which a space is looked for; scripts without spaces and long tables have none."""
_BEFORE = 10
"""Characters before a word that is found, where no space is near."""
FOUND = "bold underline"


def snippet(text: str, query: str, *, chars: int | None) -> str:
    """Select the part of a text that holds most words of a query, in one line.

    It begins with a sentence where the words are near the beginning of one.

    Args:
        text: A passage; its Markdown headings and link targets are left out.
        query: The question.
        chars: Most characters of the result, without the ellipsis; None takes the whole text.
    """
    body = _LINK.sub(r"\1", _HEADING.sub("", text).strip() or text)
    parts = [" ".join(part.split()) for part in _SENTENCE_END.split(body) if part.strip()]
    whole = " ".join(parts)
    if chars is None or len(whole) <= chars:
        return whole
    start = _best_start(whole, parts, WordFinder(query).find(whole), chars)
    shown = whole[start:]
    cut = shown if len(shown) <= chars else f"{shown[: _word_end(shown, chars)].rstrip()} …"
    return f"… {cut}" if start else cut


def emphasised(text: str, query: str, *, columns: int, style: str = "") -> Padding:
    """Fold a paragraph, move it to the right, and emphasise the words of a query in it.

    Args:
        text: The paragraph.
        query: The question.
        columns: To the right.
        style: Of the whole paragraph.
    """
    shown = clean(text)
    folded = fold(shown, console().width - columns)
    places = list(_places(shown, folded))
    painted = Text(folded, style=style)
    for found in WordFinder(query).find(shown):
        painted.stylize(FOUND, places[found.start], places[found.end - 1] + 1)
    return Padding(painted, (0, 0, 0, columns))


def _best_start(whole: str, parts: Sequence[str], found: Sequence[FoundWord], chars: int) -> int:
    """Where the part with most different words begins; sentences are preferred."""
    sentences = [0]
    for part in parts[:-1]:
        sentences.append(sentences[-1] + len(part) + 1)
    ends = [*(start - 1 for start in sentences[1:]), len(whole)]
    starts = [place.start for place in found]
    best, most = 0, 0
    for start, end in (*zip(sentences, ends, strict=True), *_inside(whole, found)):
        first = bisect_left(starts, start)
        held = {place.word for place in found[first:] if place.end <= start + chars}
        if len(held) > most and starts[first] < end:
            best, most = start, len(held)
    return best


def _inside(whole: str, found: Sequence[FoundWord]) -> Iterator[tuple[int, int]]:
    """A start a little before each place, for long sentences, and the end of the place."""
    for place in found:
        after_space = whole.find(" ", max(0, place.start - _NEAR), place.start) + 1
        yield after_space or max(0, place.start - _BEFORE), place.end


def _word_end(text: str, chars: int) -> int:
    """The last end of a word within a number of characters, or that number."""
    space = text.rfind(" ", max(0, chars - _NEAR), chars + 1)
    return space if space > 0 else chars


def _places(text: str, folded: str) -> Iterator[int]:
    """Where each character of a text stands when line breaks are put in, or in place of spaces."""
    at = 0
    for character in text:
        if not character.isspace():
            at += folded[at] == "\n"
            yield at
            at += 1
        else:
            yield at
            at += at < len(folded) and folded[at].isspace()
