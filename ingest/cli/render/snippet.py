"""Cuts a passage to the part that is worth showing."""

import re
from collections.abc import Sequence

_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n\s*\n|\n(?=\s*[-*|])")
_WORD = re.compile(r"\w{3,}")
_LINK = re.compile(r"\[([^\]]+)\]\([^()\s]+\)")
_HEADING = re.compile(r"^#{1,6}\s.*$", re.MULTILINE)


def snippet(text: str, query: str, *, chars: int | None) -> str:
    """Select the sentences of a text that share most words with a query, in one line.

    Args:
        text: A passage; its Markdown headings and link targets are left out.
        query: The question.
        chars: Most characters of the result, without the ellipsis; None takes the whole text.
    """
    body = _LINK.sub(r"\1", _HEADING.sub("", text).strip() or text)
    sentences = [" ".join(part.split()) for part in _SENTENCE_END.split(body) if part.strip()]
    whole = " ".join(sentences)
    if chars is None or len(whole) <= chars:
        return whole
    start = _best_start(sentences, _words(query), chars)
    shown = " ".join(sentences[start:])
    cut = shown if len(shown) <= chars else shown[:chars].rsplit(" ", 1)[0] + " …"
    return f"… {cut}" if start else cut


def _best_start(sentences: Sequence[str], wanted: set[str], chars: int) -> int:
    """Index of the first sentence of the window that holds most of the wanted words."""
    found = [_words(sentence) & wanted for sentence in sentences]
    best, most = 0, 0
    for start in range(len(sentences)):
        held: set[str] = set()
        length = 0
        for position in range(start, len(sentences)):
            length += len(sentences[position])
            if length > chars and position > start:
                break
            held |= found[position]
        if found[start] and len(held) > most:
            best, most = start, len(held)
    return best


def _words(text: str) -> set[str]:
    """Words without common endings, so that singular and plural are equal."""
    return {word.lower().removesuffix("s") for word in _WORD.findall(text)}
