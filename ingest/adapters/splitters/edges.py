"""Moves cuts away from places where a passage would begin or end without its meaning."""

import re
from collections.abc import Callable, Sequence

from ingest.domain.chunk import Passage
from ingest.domain.document import ParsedDocument

_BREAKS = ("\n\n", "\n", ". ", " ")
_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[^`\n]*")
_OPENS_CODE = re.compile(r"[ \t]*(?:`{3,}|~{3,})[ \t]*\w[^`\n]*")
_DEFINES = re.compile(
    r"[ \t]*(?:(?:async|export|pub|public|private|protected|static)[ \t]+)*"
    r"(?:def|class|fn|func|function|impl|struct)\b.*[:{(]"
)
_WORD = re.compile(r"\w")
_SHARES = (0.5, 0.25, 0.125, 0.06)
"""Of a passage that does not fit with a heading: what is left with it, until both fit."""
_LONGEST_LINE = 600
"""Characters of a line that may be a heading; parsers make none that is longer."""


class Edges:
    """The passages of one document, with their cuts moved.

    A heading or the first line of code does not stand alone: it joins the passage that follows, at
    the end of the document the one before. Where both together are too long, the other passage is
    halved. No passage ends with a heading or with the first line of a function.
    """

    def __init__(
        self, parsed: ParsedDocument, count: Callable[[str], int], max_tokens: int
    ) -> None:
        self._text = parsed.text
        self._headings = {heading.char_start for heading in parsed.headings}
        self._count = count
        self._most = max_tokens
        self._done: list[Passage] = []

    def moved(self, passages: Sequence[Passage]) -> list[Passage]:
        """The passages, which still cover the same characters and are not longer than before."""
        waiting: Passage | None = None
        for at, passage in enumerate(passages):
            if waiting is not None and passage.char_start > waiting.char_start:
                joined = self._join(waiting, passage)
            else:
                joined = [passage]
            waiting = None
            *whole, last = joined
            self._done += whole
            if self._is_bare(last) and (at + 1 == len(passages) or not self._opens(last)):
                self._join_before(last)
            elif self._is_bare(last):
                waiting = last
            elif at + 1 < len(passages):
                waiting = self._end_earlier(last, passages[at + 1])
            else:
                self._done.append(last)
        return self._done

    def _join(self, bare: Passage, passage: Passage) -> list[Passage]:
        """Put a heading in front of a passage, which is halved if need be."""
        start, end = bare.char_start, passage.char_end
        whole = self._passage(start, end)
        if self._fits(whole):
            return [whole]
        for share in _SHARES:
            at = self._break_near(passage.char_start, end, share)
            first, second = self._passage(start, at), self._passage(at, end)
            if self._fits(first, second) and first.char_end > bare.char_end:
                return [first, second] if second.char_start < second.char_end else [first]
        return [bare, passage]

    def _join_before(self, bare: Passage) -> None:
        """Put what has no words of its own behind the last passage."""
        if not self._done:
            self._done.append(bare)
            return
        before = self._done.pop()
        start, end = before.char_start, bare.char_end
        whole = self._passage(start, end)
        if self._fits(whole):
            self._done.append(whole)
            return
        for share in _SHARES:
            at = self._break_near(start, before.char_end, 1 - share)
            parts = [self._passage(start, at), self._passage(at, end)]
            if self._fits(*parts) and at < bare.char_start:
                self._done += parts
                return
        self._done += [before, bare]

    def _end_earlier(self, passage: Passage, following: Passage) -> Passage | None:
        """Leave the heading at a passage's end to what follows; returns what goes in front."""
        at = self._tail_of(passage)
        shorter = self._passage(passage.char_start, at) if at < passage.char_end else passage
        if shorter is passage or self._is_bare(shorter):
            self._done.append(passage)
            return None
        tail = self._passage(at, passage.char_end)
        if following.char_start > at:
            joined = self._join(tail, following)
            if joined[0] is tail or (len(joined) > 1 and at not in self._headings):
                self._done.append(passage)
                return None
        self._done.append(shorter)
        return tail

    def _tail_of(self, passage: Passage) -> int:
        """Where the headings and first lines of code begin that a passage ends with."""
        at = end = passage.char_end
        while end > passage.char_start:
            start = self._text.rfind("\n", passage.char_start, end) + 1 or passage.char_start
            if end - start > _LONGEST_LINE:
                break
            line = self._text[start:end]
            is_code = bool(_OPENS_CODE.fullmatch(line) or _DEFINES.fullmatch(line))
            if start in self._headings or is_code:
                at = start
            elif line.strip():
                break
            end = start - 1
        return at if at > passage.char_start else passage.char_end

    def _is_bare(self, passage: Passage) -> bool:
        """Whether there is nothing in it but headings, marks of code, and punctuation."""
        at = passage.char_start
        while at < passage.char_end:
            end = self._text.find("\n", at, passage.char_end)
            end = passage.char_end if end < 0 else end
            if end - at > _LONGEST_LINE:
                return False
            line = self._text[at:end]
            is_mark = _FENCE.fullmatch(line) or not (_WORD.search(line) or _is_sign(line))
            if at not in self._headings and not is_mark:
                return False
            at = end + 1
        return True

    def _opens(self, passage: Passage) -> bool:
        """Whether it belongs to what follows."""
        lines = self._text[passage.char_start : passage.char_end].split("\n")
        at = passage.char_start
        for line in lines:
            if at in self._headings or _OPENS_CODE.fullmatch(line):
                return True
            at += len(line) + 1
        return False

    def _break_near(self, start: int, end: int, share: float) -> int:
        """The best place to cut near this share of the text between two places."""
        middle = start + int((end - start) * share)
        quarter = int((end - start) * min(share, 1 - share)) // 2
        for mark in _BREAKS:
            at = self._text.rfind(mark, middle - quarter, middle)
            if at < 0:
                at = self._text.find(mark, middle, middle + quarter)
            if at >= 0:
                return at + len(mark)
        return middle

    def _passage(self, start: int, end: int) -> Passage:
        """The passage between two places, without white space at its ends."""
        piece = self._text[start:end]
        start += len(piece) - len(piece.lstrip())
        end -= len(piece) - len(piece.rstrip())
        return Passage(start, end, self._count(self._text[start:end]) if start < end else 0)

    def _fits(self, *passages: Passage) -> bool:
        return all((passage.token_count or 0) <= self._most for passage in passages)


def _is_sign(line: str) -> bool:
    """Whether a line without letters means something, such as pictures or symbols of money."""
    return not line.isascii()
