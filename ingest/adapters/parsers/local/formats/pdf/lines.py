"""Lines of text, and how they are joined into paragraphs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.adapters.parsers.local.formats.pdf.words import HYPHENS, Line

_PIECE_GAP = 1.4
_MIN_WRAPPED_CHARS = 40
_WRAPPED_SHARE = 0.7
_PERCENTILE = 0.9
_PARAGRAPH_GAP = 1.45
_SENTENCE_ENDS = ".!?:\u3002\uff01\uff1f"
_BULLETS = "•◦▪‣●○■□➢✓·*\u2013\uf0b7-"
_ITEM = re.compile(
    rf"(?:[{_BULLETS}]\s|[•◦▪‣●○■▪➢✓]|\(?(?:\d{{1,3}}|[a-zA-Z]|[ivx]{{1,5}})[.)]\s|\[\d{{1,3}}\]\s)"
)
_CONTENTS = re.compile(r"(?:(?:[.…·]\s?){3,}|\s)\s*\d{1,4}$")
_LEADERS = re.compile(r"(?:[.…·]\s?){3,}\s*(?:\d{1,4}|[ivxlc]{1,6})$")
_DOTS = ("..", ". .", "…", "··", "· ·")
_NUMBERED = re.compile(r"(?:\d+(?:\.\d+)*\.?|[A-Z]\.?|Chapter|Appendix|Annex|Part|Kapitel)\s")
_URL = re.compile(r"(?:https?://|www\.)\S*$")
_URL_MIDDLE = re.compile(r"[/?=&%#_]|\.(?:html?|pdf|php|aspx?|org|com|net)\b")
_CODE = re.compile(r"[{}();=<>_\[\]\\|]|^\s*(?:def|for|if|while|return|import|class|#)\b")
_TAIL_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*$")
_HEAD_WORD = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_DIVIDED = re.compile(f"[{HYPHENS}]\\s*")
_WHOLE_WORD = 4
_KEEP_PREFIXES = {"self", "ex", "well", "quasi", "vice"}
_VOWEL_PREFIXES = ("anti", "semi", "multi", "micro", "intra", "extra", "ultra", "infra")
"""They keep their hyphen before the same vowel."""
_SECOND_PARTS = frozenset(
    [
        "based",
        "driven",
        "oriented",
        "specific",
        "dependent",
        "independent",
        "related",
        "aware",
        "term",
        "scale",
        "quality",
        "making",
        "determining",
        "effective",
        "efficient",
        "owned",
        "funded",
        "led",
        "intensive",
        "sensitive",
        "dimensional",
        "consuming",
        "saving",
        "generated",
        "defined",
        "reported",
        "relevant",
        "friendly",
        "century",
    ]
)
"""English words that mostly follow a hyphen, and hardly ever end a divided word."""
_JOINING = "\u2013\u2014/"
_SOFT_HYPHEN = "\xad"
_CJK = re.compile(
    "[\u2e80-\u2fdf\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]"
)


@dataclass(slots=True)
class TextLine:
    """A line without the places of its words."""

    text: str
    size: float
    bold: bool
    mono: bool
    x0: float
    x1: float
    base: float
    pieces: int
    """Parts that wide gaps divide; 1 in running text."""
    turned: bool = False
    """Whether it does not run from left to right."""


def text_line(line: Line) -> TextLine:
    """Keep what joining and headings need."""
    pieces = 1 if line.turned else 1 + line.gaps(_PIECE_GAP)
    return TextLine(
        line.text,
        line.size,
        line.bold,
        line.mono,
        line.x0,
        line.x1,
        line.base,
        pieces,
        turned=line.turned,
    )


class DocumentWords:
    """Words of a document in small letters; they tell which hyphens are part of a word."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._words: set[str] | None = None

    def keeps_hyphen(self, before: str, after: str) -> bool:
        """Whether the hyphen between two parts of a word at the end of a line is its own."""
        if len(before) == 1 or "-" in before or before in _KEEP_PREFIXES or after in _SECOND_PARTS:
            return True
        if self._words is None:
            self._words = self._whole_words()
        words = self._words
        if before + after in words:
            return False
        return f"{before}-{after}" in words or (
            min(len(before), len(after)) >= _WHOLE_WORD and before in words and after in words
        )

    def _whole_words(self) -> set[str]:
        """Words but for those that a hyphen divides between two lines."""
        words: set[str] = set()
        divided = False
        for text in self._texts:
            found = [word.lower() for word in _WORD.findall(text.replace(_SOFT_HYPHEN, ""))]
            start = 1 if divided else 0
            divided = bool(text) and text[-1] in f"{HYPHENS}{_SOFT_HYPHEN}-\u2010"
            words.update(found[start : -1 if divided else None])
        return words


def paragraphs(lines: Sequence[TextLine]) -> list[list[TextLine]]:
    """Divide lines where the distance is larger than most."""
    gaps = [
        round(after.base - before.base, 1)
        for before, after in pairwise(lines)
        if 0 < after.base - before.base < 4 * max(before.size, after.size)
    ]
    usual = sorted(gaps)[len(gaps) // 2] if gaps else 0.0
    parts: list[list[TextLine]] = []
    for at, line in enumerate(lines):
        gap = line.base - lines[at - 1].base if at else 0.0
        if not at or gap > _PARAGRAPH_GAP * max(usual, line.size):
            parts.append([line])
        else:
            parts[-1].append(line)
    return parts


def full_width(lines: Sequence[TextLine]) -> float:
    """Length of a line, in characters, from which on it reaches the margin."""
    lengths = sorted(_length(line.text) for line in lines if line.text)
    longest = lengths[int(_PERCENTILE * (len(lengths) - 1))] if lengths else 0
    return max(_MIN_WRAPPED_CHARS, _WRAPPED_SHARE * longest)


def unwrap(lines: Sequence[TextLine], known: DocumentWords, full: float) -> str:
    """Remove line breaks inside of sentences.

    Args:
        lines: Of one paragraph or more.
        known: The words of the document.
        full: What ``full_width`` gave.
    """
    text = _indented(lines, 0)
    for at in range(1, len(lines)):
        before, after = lines[at - 1], lines[at]
        shown = _indented(lines, at)
        if (text and text[-1] in HYPHENS + _SOFT_HYPHEN) or _has_hyphen(before, after):
            text = _without_hyphen(text, after.text, known)
        elif not _goes_on(before, after, full):
            text = f"{text}\n{shown}"
        elif (
            _is_split_url(before.text, after.text)
            or _is_cjk(before.text, after.text)
            or _is_after_dash(before.text, after.text)
        ):
            text += after.text
        else:
            text = f"{text} {after.text}"
    if text and text[-1] in HYPHENS:
        text = text[:-1] + "-"
    return text.replace(_SOFT_HYPHEN, "")


def cell_text(text: str, known: DocumentWords) -> str:
    """Join words of a cell that were divided at the end of a line."""
    if not any(hyphen in text for hyphen in HYPHENS):
        return text
    first, *others = _DIVIDED.split(text)
    for part in others:
        first = _without_hyphen(f"{first}-", part, known) if first and part else f"{first}-{part}"
    return first


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text) + len(_CJK.findall(text))


def _indented(lines: Sequence[TextLine], at: int) -> str:
    """Code keeps the blanks at the start of a line."""
    line = lines[at]
    if not line.mono or not line.size:
        return line.text
    neighbours = [one for one in lines if one.mono]
    left = min(one.x0 for one in neighbours)
    letter = (line.x1 - line.x0) / max(1, len(line.text))
    blanks = round((line.x0 - left) / letter) if letter > 0 else 0
    return " " * min(blanks, 40) + line.text


def _goes_on(before: TextLine, after: TextLine, full: float) -> bool:
    text, following = before.text, after.text
    if _length(text) < full or text[-1] in _SENTENCE_ENDS:
        return False
    if before.pieces > 2 or after.pieces > 2 or (before.pieces > 1 and after.pieces > 1):
        return False
    if _ITEM.match(following) or _is_contents(text) or _is_contents(following):
        return False
    if text[-1].isdigit() and _CONTENTS.search(text) and _NUMBERED.match(following):
        return False
    if before.mono and after.mono:
        return not _CODE.search(text) and not _CODE.search(following) and following[0].islower()
    return True


def _is_contents(text: str) -> bool:
    """Whether dots lead to a number of a page."""
    return any(dot in text for dot in _DOTS) and _LEADERS.search(text) is not None


def _has_hyphen(before: TextLine, after: TextLine) -> bool:
    text = before.text
    return (
        len(text) > 2
        and text[-1] in "-\u2010"
        and text[-2].isalnum()
        and after.text[0].isalnum()
        and not _ITEM.match(after.text)
        and max(before.pieces, after.pieces) <= 2
        and not (before.mono and after.mono)
    )


def _without_hyphen(text: str, following: str, known: DocumentWords) -> str:
    soft = text[-1] == _SOFT_HYPHEN
    text = text[:-1]
    if soft:
        return text + following
    tail, head = _TAIL_WORD.search(text), _HEAD_WORD.match(following)
    if tail is None or head is None or _URL.search(text):
        return f"{text}-{following}"
    if tail.group().lower().endswith(_VOWEL_PREFIXES) and tail.group()[-1] == head.group()[0]:
        return f"{text}-{following}"
    own = known.keeps_hyphen(tail.group().lower(), head.group().lower())
    return f"{text}-{following}" if own or following[0].isupper() else text + following


def _is_split_url(text: str, following: str) -> bool:
    if ("://" not in text and "www." not in text) or not _URL.search(text):
        return False
    first = following.split(maxsplit=1)[0]
    if first[0].isupper() and not _URL_MIDDLE.search(first):
        return False
    return text[-1] in "/-_=&?#%~+" or (bool(_URL_MIDDLE.search(first)) and first[-1:] != ":")


def _is_after_dash(text: str, following: str) -> bool:
    """Whether a dash or a slash at the end of a line joins two words or numbers."""
    return len(text) > 1 and text[-1] in _JOINING and text[-2].isalnum() and following[0].isalnum()


def _is_cjk(text: str, following: str) -> bool:
    return bool(_CJK.match(text[-1]) and _CJK.match(following[0]))
