"""Term vectors: what search by words knows of a chunk, as PostgreSQL's type tsvector."""

import struct
from collections.abc import Sequence
from functools import cache, lru_cache
from uuid import UUID

import regex

from ingest.adapters.text_analysis import languages
from ingest.adapters.text_analysis.languages import stems
from ingest.adapters.text_analysis.normalization import normalize
from ingest.adapters.text_analysis.tokens import shorten, spellings, take_apart

_BODY, _HEADING, _FILENAME = 0, 2 << 14, 3 << 14
"""Weights D, B and A of PostgreSQL, as they stand in the upper two bits of a position."""
_LAST_POSITION = (1 << 14) - 1
_FIELD_POSITIONS = 400
"""Positions that are kept for headings and title."""
_MOST_POSITIONS = 256
"""Of one term; PostgreSQL allows no more."""
_BODY_POSITIONS = _MOST_POSITIONS - 16
"""Of one term in the text, so that some are left for the fields."""
_LEAST_DIGITS, _MOST_DIGITS = 7, 20
_GAP = 2
"""Positions between two fields, so that no phrase goes from one to the next."""
_CACHED_CHARS = 64
_SPACED_DIGITS = regex.compile(r"(?<![\w.])\+?\(?\d[\d ()/-]{5,24}\d(?![\w.])")
"""Numbers that people group as they like, such as those of telephones and cards."""


def term_vector(
    tenant_id: UUID, *, filename: str, headings: Sequence[str], context: str | None, text: str
) -> dict[str, list[int]]:
    """Terms of a chunk with their positions, ascending; the upper two bits say in which field.

    The tenant is one of the terms, so that a search never walks through another tenant's chunks.

    Args:
        tenant_id: The chunk's tenant.
        filename: Of the document; weight A.
        headings: Titles of the headings that the text stands under; weight B.
        context: What is embedded before the text, in lines; weight B. It repeats file name and
            headings, so that each of their words counts twice.
        text: The text; weight D.
    """
    body = normalize(text)
    collected = _Collector(languages.detect(body))
    collected.add(body, _BODY, limit=_LAST_POSITION - _FIELD_POSITIONS, most=_BODY_POSITIONS)
    for number in spaced_numbers(body):
        collected.terms.setdefault(number, [1])
    for line in (*headings, *(context or "").splitlines()):
        collected.add(normalize(line), _HEADING, limit=_LAST_POSITION, most=_MOST_POSITIONS)
    collected.add(normalize(filename), _FILENAME, limit=_LAST_POSITION, most=_MOST_POSITIONS)
    collected.terms[str(tenant_id)] = [1]
    return collected.terms


def to_binary(terms: dict[str, list[int]]) -> bytes:
    """The terms in the binary format of the type tsvector."""
    packed = [struct.pack("!i", len(terms))]
    for term, positions in terms.items():
        if len(positions) == 1:
            packed += term.encode(), _one_position(positions[0])
        else:
            count = len(positions)
            packed += term.encode(), _positions_format(count).pack(count, *positions)
    return b"".join(packed)


@cache
def _one_position(position: int) -> bytes:
    return _positions_format(1).pack(1, position)


@cache
def _positions_format(count: int) -> struct.Struct:
    """The end of the term, the number of its positions, the positions."""
    return struct.Struct(f"!xH{count}H")


class _Collector:
    """Collects terms; ``terms`` holds them."""

    def __init__(self, language: str) -> None:
        self.terms: dict[str, list[int]] = {}
        self._language = language
        self._place = 1

    def add(self, text: str, weight: int, *, limit: int, most: int) -> None:
        """Add the terms of a field behind those that are there.

        Args:
            text: Normalized.
            weight: Of the field, in the upper two bits.
            limit: The last position; terms beyond it share it.
            most: Positions of one term.
        """
        place, terms = self._place, self.terms
        for word in text.split():
            advance, found = (_analysed if len(word) <= _CACHED_CHARS else terms_of_token)(
                word, self._language
            )
            for offset, term in found:
                position = place + offset
                if position > limit:  # as min(), which takes three times as long
                    position = limit
                held = terms.get(term)
                if held is None:
                    terms[term] = [position | weight]
                elif held[-1] & _LAST_POSITION < position and len(held) < most:
                    held.append(position | weight)
            place += advance
        self._place = min(place + _GAP, limit)


def terms_of_token(word: str, language: str) -> tuple[int, tuple[tuple[int, str], ...]]:
    """How many positions a token takes, and its terms, each with its offset, ascending."""
    token = take_apart(word)
    found: list[tuple[int, str]] = [(0, name) for name in token.signed]
    for offset, atom in enumerate(token.atoms):
        forms = spellings(atom)
        if atom.is_word:
            written = (atom.text, *forms[1:])
            forms += tuple(shorten(stem) for form in written for stem in stems(form, language))
        found += [(offset, form) for form in forms]
    for first, last, term in token.joined:
        found += (first, term), (last, term)
    found.sort()
    return len(token.atoms), tuple(dict.fromkeys(found))


_analysed = lru_cache(maxsize=50_000)(terms_of_token)


def spaced_numbers(text: str) -> set[str]:
    """The digits of each number that is written in groups, without what is between them."""
    found = ("".join(filter(str.isdigit, match)) for match in _SPACED_DIGITS.findall(text))
    return {digits for digits in found if _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS}
