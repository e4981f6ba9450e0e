"""Cuts code at definitions: no function is cut that fits into a passage."""

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence

from ingest.adapters.splitters.ruler import Ruler
from ingest.adapters.splitters.vocabularies import Vocabulary
from ingest.domain.chunk import Passage
from ingest.domain.document import ParsedDocument
from ingest.domain.fences import DEFINES, Fence, fences

_LEADS_IN = re.compile(r"[ \t]*(?:@|#|//|/\*|\*|--|///|\"\"\"|\[[A-Z#])")
"""A decorator or a comment, which belongs to the definition below it."""
_CLOSES = re.compile(r"[ \t]*(?:[})\]]|end\b|else\b|elif\b|except\b|finally\b|catch\b|case\b)")
_NEVER, _LINE, _PARAGRAPH, _INNER, _OUTER = range(5)
"""How good a place for a cut is."""
_CHOICES = (
    (_OUTER, 0.5),
    (_INNER, 0.5),
    (_OUTER, 0.1),
    (_INNER, 0.1),
    (_PARAGRAPH, 0.5),
    (_LINE, 0),
)
"""What is looked for first: a place at least so good that leaves at least so much of a passage."""
_SMALL = 4
"""A passage before the code joins it when it has less than this part of the most tokens."""


class CodeCutter:
    """Cuts those blocks of code again that do not fit into one passage."""

    def __init__(self, parsed: ParsedDocument, vocabulary: Vocabulary, max_tokens: int) -> None:
        self._text = parsed.text
        self._headings = {heading.char_start for heading in parsed.headings}
        self._vocabulary = vocabulary
        self._most = max_tokens

    def cut_again(self, passages: Sequence[Passage]) -> list[Passage]:
        """The passages; those of long blocks of code are cut at definitions, and share nothing."""
        waiting = deque(passages)
        done: list[Passage] = []
        for fence in fences(self._text):
            while waiting and waiting[0].char_end <= fence.body_start:
                done.append(waiting.popleft())
            count = 0
            while count < len(waiting) and waiting[count].char_start < fence.body_end:
                count += 1
            if count < 2 or self._skips(waiting, count):
                continue
            inside = [waiting.popleft() for _ in range(count)]
            start = self._start_of(inside[0], fence, done)
            done += self._cut(start, inside[-1].char_end, fence)
            self._come_after(done[-1], waiting)
        return [*done, *waiting]

    def _skips(self, waiting: deque[Passage], count: int) -> bool:
        """Whether there is encoded data between the first passages, which is in none of them."""
        return any(
            self._text[waiting[at].char_end : waiting[at + 1].char_start].strip()
            for at in range(count - 1)
        )

    def _start_of(self, first: Passage, fence: Fence, done: list[Passage]) -> int:
        """Where the code begins, with its mark and the few words before it."""
        if done and fence.start <= done[-1].char_start:
            first = done.pop()
        is_next = done and not self._text[done[-1].char_end : first.char_start].strip()
        if is_next and self._is_small(done[-1]):
            first = done.pop()
        return max(first.char_start, done[-1].char_end) if done else first.char_start

    def _is_small(self, passage: Passage) -> bool:
        tokens = passage.token_count
        if tokens is None:
            tokens = self._count(passage.char_start, passage.char_end)
        return tokens * _SMALL < self._most

    def _come_after(self, last: Passage, waiting: deque[Passage]) -> None:
        """Keep the order: what would begin before the last passage shares nothing with it."""
        while waiting and waiting[0].char_start <= last.char_start:
            following = self._stripped(last.char_end, waiting.popleft().char_end)
            if following:
                waiting.appendleft(following)

    def _cut(self, start: int, end: int, fence: Fence) -> Iterator[Passage]:
        lines = _CodeLines(self._text, start, end, fence, self._headings)
        places = [*lines.starts, end]
        ruler = Ruler(self._text[start:end], self._vocabulary)
        sums = ruler.before([place - start for place in places])
        at, last = 0, len(lines.starts)
        while at < last:
            stop = self._stop(lines, sums, at)
            passage = self._stripped(places[at], places[stop])
            while passage and (passage.token_count or 0) > self._most and stop > at + 1:
                stop -= 1
                passage = self._stripped(places[at], places[stop])
            if passage:
                yield from self._fitting(passage)
            at = stop

    def _stop(self, lines: "_CodeLines", sums: list[int], at: int) -> int:
        """The line before which the passage ends that begins with this line."""
        last = max(bisect_right(sums, sums[at] + self._most) - 1, at + 1)
        if last >= len(lines.starts):
            return len(lines.starts)
        for worth, share in _CHOICES:
            for stop in range(last, at, -1):
                if sums[stop] - sums[at] < share * self._most:
                    break
                if lines.worth(stop) >= worth:
                    return stop
        return last

    def _count(self, start: int, end: int) -> int:
        return self._vocabulary.count([self._text[start:end]])[0]

    def _fitting(self, passage: Passage) -> Iterator[Passage]:
        """The passage; a line that is too long is halved."""
        if (passage.token_count or 0) <= self._most:
            yield passage
            return
        start, end = passage.char_start, passage.char_end
        middle = (start + end) // 2
        space = self._text.rfind(" ", start + 1, middle)
        at = space if space > start else middle
        for part in (self._stripped(start, at), self._stripped(at, end)):
            if part:
                yield from self._fitting(part)

    def _stripped(self, start: int, end: int) -> Passage | None:
        """The passage between two places, without empty lines at its ends."""
        piece = self._text[start:end]
        body = piece.rstrip()
        if not body:
            return None
        blank = len(body) - len(body.lstrip())
        start += body.rfind("\n", 0, blank) + 1
        end -= len(piece) - len(body)
        return Passage(start, end, self._count(start, end))


class _CodeLines:
    """The lines of a part of a text with code, and how good it is to cut before each of them."""

    def __init__(self, text: str, start: int, end: int, fence: Fence, headings: set[int]) -> None:
        self._text = text
        self._end = end
        self._fence = fence
        self._headings = headings
        self._known: dict[int, int] = {}
        code = text[fence.body_start : fence.body_end].split("\n")
        self._least = min((_indent(line) for line in code if line.strip()), default=0)
        self.starts = [start]
        while (at := text.find("\n", self.starts[-1], end - 1) + 1) > 0:
            self.starts.append(at)

    def worth(self, number: int) -> int:
        """How good it is to cut before this line, which is not the first one."""
        if number not in self._known:
            self._known[number] = self._worth(number)
        return self._known[number]

    def _worth(self, number: int) -> int:
        at, fence = self.starts[number], self._fence
        before = self._line(number - 1)
        if at in (fence.body_start, fence.body_end) and at > fence.start:
            return _NEVER
        if fence.body_start < at < fence.body_end:
            return _worth(before, self._line(number), self._least)
        if at in self._headings or at == fence.end + 1:
            return _OUTER
        return _INNER if not before.strip() and at != fence.start else _LINE

    def _line(self, number: int) -> str:
        start = self.starts[number]
        end = self.starts[number + 1] - 1 if number + 1 < len(self.starts) else self._end
        return self._text[start:end]


def _worth(before: str, line: str, least: int) -> int:
    """How good it is to cut code between two lines."""
    if not line.strip() or DEFINES.fullmatch(before):
        return _NEVER
    begins = bool(DEFINES.fullmatch(line) or _LEADS_IN.match(line))
    if _LEADS_IN.match(before) or _CLOSES.match(line):
        return _LINE
    if begins or not before.strip():
        if _indent(line) <= least:
            return _OUTER
        return _INNER if begins else _PARAGRAPH
    return _LINE


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())
