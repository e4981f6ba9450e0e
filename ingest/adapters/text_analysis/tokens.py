"""Tokens: takes words, identifiers and scripts without spaces apart.

A token is a run of characters without white space. It is taken apart three times. Its atoms are
runs of letters of one case or of digits: ``DS-7604NI`` has ``ds``, ``7604`` and ``ni``. Its parts
stand between punctuation: ``ds`` and ``7604ni``. Its whole is all of them together: ``ds7604ni``.
Each atom has a position of its own, so that a phrase of atoms is found in any spelling, such as
``DS 7604 NI``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import regex

from ingest.adapters.text_analysis.normalization import fold, fold_by_digraphs
from ingest.domain.identity import sha256_hex

MAX_TERM_CHARS = 80
"""Of a longer term, the beginning and a digest stand for it; PostgreSQL allows 2,046 bytes."""
_MAX_ATOMS = 24
"""A part that would fall into more atoms, such as a digest in Base64, stays as it is."""
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー々〆"
_PIECES = regex.compile(
    rf"(?P<run>[{_UNSPACED}][{_UNSPACED}\p{{M}}]*)"
    rf"|(?P<part>[[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]+)"
    r"|(?P<symbol>[\p{Sc}§])",
    regex.V1,
)
_ATOMS = regex.compile(
    r"\p{N}+|\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?[[\p{L}\p{M}]--\p{Lu}]+|\p{Lu}[\p{Lu}\p{M}]*|\p{M}+",
    regex.V1,
)
_SIGNED = regex.compile(r"(?<![\w.])\.\p{L}\w+|(?<!\w)\p{L}{1,2}(?:\+\+|#)")
"""``.NET``, ``C++``, ``C#``: names whose punctuation counts."""
_BEFORE_WORDS, _AFTER_WORDS = "(\"'", ".,;:!?)\"'"
"""Punctuation that says nothing of the word between."""
_CLUSTERS = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class Atom:
    """The smallest unit that has a position."""

    text: str
    """Normalized, as written; a folded one has no case left."""
    is_word: bool
    """Whether it may be stemmed: letters only, of a script with spaces."""
    prefix: bool = False
    """Whether it stands for all terms that begin with it; of a lone character of a run."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, taken apart."""

    atoms: tuple[Atom, ...]
    joined: tuple[tuple[int, int, str], ...]
    """Parts and the whole, of two atoms or more: first atom, last atom, folded term."""
    signed: tuple[str, ...] = ()
    """Names with punctuation that counts, folded; they stand at the first atom."""


@lru_cache(maxsize=50_000)
def take_apart(token: str) -> Token:
    """Take a normalized token apart; a token of punctuation only has no atoms."""
    word = token.rstrip(_AFTER_WORDS).lstrip(_BEFORE_WORDS)
    if word.isascii() and word.isalpha() and (word[1:].islower() or len(word) == 1):
        return Token((Atom(word, is_word=len(word) > 2),), ())  # most tokens; as by the rules
    return by_rules(token)


def by_rules(token: str) -> Token:
    """``take_apart`` of a token of any kind."""
    atoms: list[Atom] = []
    joined: list[tuple[int, int, str]] = []
    folded_parts: list[str] = []
    for piece in _PIECES.finditer(token):
        first = len(atoms)
        if piece.lastgroup == "run":
            atoms += _run_atoms(piece.group())
        elif piece.lastgroup == "symbol":
            atoms.append(Atom(piece.group(), is_word=False))
        else:
            atoms += _part_atoms(piece.group())
            folded_parts.append(fold(piece.group()))
            if len(atoms) - first > 1:
                joined.append((first, len(atoms) - 1, shorten(folded_parts[-1])))
    if len(folded_parts) > 1:
        # 1.5 is not 15: numbers keep their punctuation.
        between = "" if any(map(_has_letter, folded_parts)) else "."
        joined.append((0, len(atoms) - 1, shorten(between.join(folded_parts))))
    signed = tuple(shorten(fold(name)) for name in _SIGNED.findall(token))
    return Token(tuple(atoms), tuple(joined), signed)


def pieces(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """The parts of all tokens of a text: where each begins, the part, and its characters.

    Of a part that is one word, the characters are empty: it is found as a whole. A run of a script
    without spaces is found by pairs of characters.
    """
    for piece in _PIECES.finditer(text):
        is_run = piece.lastgroup == "run"
        yield piece.start(), piece.group(), _CLUSTERS.findall(piece.group()) if is_run else []


def shorten(term: str) -> str:
    """The term, or its beginning and a digest if it is long."""
    if len(term) <= MAX_TERM_CHARS:
        return term
    return f"{term[: MAX_TERM_CHARS - 17]}~{sha256_hex(term.encode())[:16]}"


def spellings(atom: Atom) -> tuple[str, ...]:
    """The folded forms of an atom: one, or two where umlauts can be written out."""
    written_out = fold_by_digraphs(atom.text)
    folded = shorten(fold(atom.text))
    return (folded,) if written_out is None else (folded, shorten(written_out))


def _has_letter(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _part_atoms(part: str) -> list[Atom]:
    pieces = _ATOMS.findall(part)
    if len(pieces) > _MAX_ATOMS:
        pieces = [part]
    return [Atom(piece, is_word=piece.isalpha() and len(piece) > 2) for piece in pieces]


def _run_atoms(run: str) -> list[Atom]:
    """Pairs of neighbouring characters, and the last one alone: each text of the run is found."""
    clusters = _CLUSTERS.findall(run)
    pairs = [Atom(a + b, is_word=False) for a, b in pairwise(clusters)]
    return [*pairs, Atom(clusters[-1], is_word=False, prefix=True)]
