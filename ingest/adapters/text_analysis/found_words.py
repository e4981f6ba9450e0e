"""Found words: where a text holds the words of a query, so that a reader sees why it was found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import regex

from ingest.adapters.text_analysis import languages
from ingest.adapters.text_analysis.normalization import fold, normalize
from ingest.adapters.text_analysis.query import QueryTerm, parse
from ingest.adapters.text_analysis.term_vector import terms_of_token
from ingest.adapters.text_analysis.tokens import pieces, take_apart

_TOKEN = regex.compile(r"\.?[\p{L}\p{N}§\p{Sc}](?:\S*[\p{L}\p{N}\p{M}+#])?")
"""Without the punctuation around it."""
_LEAST_PART = 3
"""Characters from which on a part of an identifier says something alone."""
_LEAST_BEGINNING = 4


@dataclass(frozen=True, slots=True, order=True)
class FoundWord:
    """A place in a text."""

    start: int
    end: int
    """Exclusive."""
    word: str
    """The term of the query that is found there; of two forms of one word it is the same."""
    is_weak: bool = False
    """Whether it counts only beside others: a short part of an identifier."""


class WordFinder:
    """Finds the words of one query, in the forms in which lexical search finds them."""

    def __init__(self, query: str) -> None:
        """Take the query apart."""
        asked = parse(query)
        self._terms: dict[str, QueryTerm] = {
            form: term for term in reversed(asked.terms) for form in term.forms
        }
        self._begins = [(begin, term) for term in asked.terms for begin in term.begins]
        self._names = {
            name: word
            for word in asked.text.split()
            for token in (take_apart(word),)
            for name in (*(term for _, _, term in token.joined), *token.signed)
        }
        self._beginnings = [
            (term.forms[0], term)
            for term in asked.terms
            if term.prefix_query and len(term.forms[0]) >= _LEAST_BEGINNING
        ]

    def find(self, text: str) -> list[FoundWord]:
        """The places of the query's words, in order; pairs of characters overlap.

        Words that only begin like a word of the query count where the text does not hold the word
        itself.
        """
        language = languages.detect(normalize(text))
        found = [*self._whole_names(text), *self._words(text, language)]
        held = {place.word for place in found}
        missing = [(begin, term) for begin, term in self._beginnings if term.query not in held]
        if missing:
            found += self._beginning_with(text, language, missing)
        return _outermost(
            _connected(sorted(set(found), key=lambda place: (place.start, place.end)))
        )

    def _whole_names(self, text: str) -> Iterator[FoundWord]:
        for token in _TOKEN.finditer(text):
            taken = take_apart(normalize(token.group()))
            for name in (*(term for _, _, term in taken.joined), *taken.signed):
                if name in self._names:
                    yield FoundWord(token.start(), token.end(), self._names[name])
                    break

    def _words(self, text: str, language: str) -> Iterator[FoundWord]:
        for start, piece, characters in pieces(text):
            end = start + len(piece)
            if characters:
                yield from self._pairs(start, characters)
                continue
            forms = [form for _, form in terms_of_token(normalize(piece), language)[1]]
            term = next((self._terms[form] for form in forms if form in self._terms), None)
            if term is not None:
                is_weak = term.share < 1 and len(piece) < _LEAST_PART
                yield FoundWord(start, end, term.query, is_weak=is_weak)
            elif (name := next((n for n in forms if n in self._names), None)) is not None:
                yield FoundWord(start, end, self._names[name])
            else:
                yield from _beginning(start, end, forms, self._begins)

    def _pairs(self, start: int, characters: Sequence[str]) -> Iterator[FoundWord]:
        place = start
        for first, second in pairwise((*characters, "")):
            pair = fold(normalize(first + second))
            term = self._terms.get(pair)
            if term is not None:
                yield FoundWord(place, place + len(first + second), term.query)
            for begin, begun in self._begins:
                if pair.startswith(begin):
                    length = len(first) if len(begin) <= len(first) else len(first + second)
                    yield FoundWord(place, place + length, begun.query)
            place += len(first)

    @staticmethod
    def _beginning_with(
        text: str, language: str, wanted: Sequence[tuple[str, QueryTerm]]
    ) -> Iterator[FoundWord]:
        for start, piece, characters in pieces(text):
            if not characters:
                forms = [form for _, form in terms_of_token(normalize(piece), language)[1]]
                yield from _beginning(start, start + len(piece), forms, wanted)


def _beginning(
    start: int, end: int, forms: Sequence[str], wanted: Sequence[tuple[str, QueryTerm]]
) -> Iterator[FoundWord]:
    for begin, term in wanted:
        if any(form.startswith(begin) for form in forms):
            yield FoundWord(start, end, term.query)


def _connected(found: Sequence[FoundWord]) -> list[FoundWord]:
    """The places without weak ones that stand alone."""
    places = list(found)
    for order in (range(1, len(places)), range(len(places) - 2, -1, -1)):
        step = -1 if order.step > 0 else 1
        for at in order:
            here, beside = places[at], places[at + step]
            apart = max(here.start, beside.start) - min(here.end, beside.end)
            if here.is_weak and not beside.is_weak and apart <= 1:
                places[at] = replace(here, is_weak=False)
    return [place for place in places if not place.is_weak]


def _outermost(found: Sequence[FoundWord]) -> list[FoundWord]:
    """The places that are not a part of another one."""
    kept: list[FoundWord] = []
    for place in sorted(found, key=lambda place: (place.start, -place.end)):
        if not kept or place.end > kept[-1].end:
            kept.append(place)
    return kept
