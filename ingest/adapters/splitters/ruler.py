"""Counts tokens of the parts of one text."""

from collections.abc import Sequence

from ingest.adapters.splitters.vocabularies import Vocabulary

_BACK_CHARS = 4_000
"""About the longest overlap in characters, which the library reads again."""


class Ruler:
    """Counts tokens of any part of a text that was encoded once.

    The library asks for the size of about ten parts for each passage. To encode each part again
    would take more than twice as long as the rest of its work.
    """

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self._text = text
        self._vocabulary = vocabulary
        self._starts, self._ends, self._place_of = vocabulary.places(text)
        self._near = 0

    def count(self, part: str) -> int:
        """Count the tokens in a part of the text, including those at its ends.

        Equal parts have equal counts, so any occurrence may be used.
        """
        if not part:
            return 0
        at = self._text.find(part, self._near)
        if at < 0:
            at = self._text.find(part)
        if at < 0:
            return self._vocabulary.count([part])[0]
        self._near = max(0, at - _BACK_CHARS)
        return self.between(at, at + len(part))

    def between(self, first: int, end: int) -> int:
        """Count the tokens between two characters of the text, including those at the ends."""
        if self._place_of is not None:
            first, end = self._place_of[first], self._place_of[end]
        before = self._ends.searchsorted(first, side="right")
        return int(self._starts.searchsorted(end, side="left") - before)

    def before(self, places: Sequence[int]) -> list[int]:
        """Count the tokens that end before or at each of these characters."""
        ends = self._place_of[places] if self._place_of is not None else places
        return [int(count) for count in self._ends.searchsorted(ends, side="right")]
