"""Queries: what a person typed, as the terms that chunks are searched for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import regex

from ingest.adapters.text_analysis import languages
from ingest.adapters.text_analysis.function_words import FUNCTION_WORDS
from ingest.adapters.text_analysis.normalization import normalize
from ingest.adapters.text_analysis.term_vector import spaced_numbers
from ingest.adapters.text_analysis.tokens import Atom, Token, shorten, spellings, take_apart

MOST_TERMS = 64
"""Of a query; of a longer one, the first ones are searched for."""
_MOST_PHRASE_ATOMS = 24
"""A longer text is a question, and stands in no chunk word by word."""
_LEAST_PREFIX_CHARS = 4
"""Of a word that nothing holds, which then stands for all words that begin with it."""
_PARTS = regex.compile(r'(?<!\S)(?P<not>-)?(?:"(?P<phrase>[^"]+)"|(?P<word>\S+))')
_MINUS = regex.compile(r"(?<!\S)-+")
_HUMPS = regex.compile(r"\p{Ll}\p{Lu}")
_JOINTS = regex.compile(r"[\p{L}\p{N}][_@/\\:][\p{L}\p{N}]|\p{L}{2}\.\p{L}{2}")
"""Punctuation that joins the parts of names of files, hosts, people and variables."""
_PREFIX = regex.compile(r"\p{L}[\p{L}\p{M}\p{N}]+\*")
_PART_SHARE = 0.4
"""What an atom of an identifier counts, beside a word: the identifier as a whole says more."""


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """Something that a chunk holds or does not hold."""

    forms: tuple[str, ...]
    """Terms that stand for it: as written first, then the stems. Empty: see ``query``."""
    query: str
    """As PostgreSQL's type tsquery."""
    times: int = 1
    """How often it stands in the query."""
    share: float = 1.0
    """What it counts, beside a word."""
    is_identifier: bool = False
    """Whether it names one thing. Its atoms stand side by side, so it counts by its presence."""
    begins: tuple[str, ...] = ()
    """Of ``word*`` and of a lone character of a run: what its terms begin with."""
    prefix_query: str | None = None
    """All terms that begin like the word, for when nothing holds it."""
    atoms: tuple[str, ...] = ()
    """Of an identifier whose atoms stand side by side: terms for each of them."""
    atoms_query: str = ""
    """That a chunk holds all of these, wherever they stand."""
    joined_query: str | None = None
    """The identifier as one term, without what finds it in other spellings."""


@dataclass(frozen=True, slots=True)
class Side:
    """An atom of the query, in its place."""

    written: str
    """As tsquery, without stems."""
    term: str
    """The ``query`` of its term."""


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """A query, taken apart."""

    text: str
    """Without its operators: what is asked for by meaning."""
    terms: tuple[QueryTerm, ...]
    """Each of them makes a chunk a candidate."""
    sides: tuple[Side, ...]
    """All atoms in order, which an exact match has side by side; none of a long query."""
    quoted: str | None
    """The phrases in quotes, as tsquery: what holds them all is an exact match."""
    excluded: str | None
    """What no hit holds, as tsquery."""


@dataclass(slots=True)
class _Collected:
    language: str
    terms: dict[str, QueryTerm] = field(default_factory=dict)
    sides: list[Side] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def add(self, term: QueryTerm) -> None:
        known = self.terms.get(term.query)
        self.terms[term.query] = replace(known, times=known.times + 1) if known else term


def parse(text: str) -> LexicalQuery:
    """Take a query apart.

    What holds ``"two words"`` side by side comes first, ``-word`` and ``-"two words"`` must not be
    there, ``word*`` stands for all words that begin so. Quotes hide nothing, because people also
    quote a name in the middle of a question.
    """
    normal = normalize(text)
    collected = _Collected(languages.detect(normal))
    quoted: list[str] = []
    excluded: list[str] = []
    for part in _PARTS.finditer(normal):
        words = (part["phrase"] or part["word"]).split()
        phrase = " <-> ".join(_sides(words))
        if part["not"] and phrase:
            excluded.append(f"({phrase})")
            continue
        if part["phrase"] and phrase:
            quoted.append(f"({phrase})")
        for word in words:
            _add_word(collected, word)
    if not collected.terms and excluded:
        return parse(_MINUS.sub("", normal))  # nothing else is wanted: the words are meant
    for number in spaced_numbers(normal):
        collected.add(_single((number,)))
    sides = collected.sides
    return LexicalQuery(
        text=" ".join(collected.words) or text,
        terms=_meaningful(list(collected.terms.values()))[:MOST_TERMS],
        sides=tuple(sides) if len(sides) <= _MOST_PHRASE_ATOMS else (),
        quoted=" & ".join(quoted) or None,
        excluded=" | ".join(excluded) or None,
    )


def _meaningful(terms: Sequence[QueryTerm]) -> tuple[QueryTerm, ...]:
    """The terms without function words, unless there is nothing else."""
    kept = tuple(t for t in terms if not (t.forms and t.forms[0] in FUNCTION_WORDS))
    return kept or tuple(terms)


def _add_word(collected: _Collected, word: str) -> None:
    collected.words.append(word)
    if _PREFIX.fullmatch(word):
        term = _single((shorten(spellings(Atom(word[:-1], is_word=False))[0]),), prefix=True)
        collected.add(term)
        collected.sides.append(Side(term.query, term.query))
        return
    token = take_apart(word)
    forms = [_forms(atom, collected.language) for atom in token.atoms]
    singles = [
        _single(each, prefix=atom.prefix, is_word=atom.is_word)
        for atom, each in zip(token.atoms, forms, strict=True)
    ]
    collected.sides += (
        Side(_written(atom), term.query) for atom, term in zip(token.atoms, singles, strict=True)
    )
    identifier = _identifier(word, token)
    if identifier is not None:
        collected.add(identifier)
    for name in token.signed:
        collected.add(replace(_single((name,)), is_identifier=True))
    for atom, term in zip(token.atoms, singles, strict=True):
        if not (atom.prefix and len(singles) > 1):  # the end of a run is in the pair before it
            collected.add(term if identifier is None else replace(term, share=_PART_SHARE))


def _single(forms: tuple[str, ...], *, prefix: bool = False, is_word: bool = False) -> QueryTerm:
    written = forms[0]
    may_begin = is_word and len(written) >= _LEAST_PREFIX_CHARS
    return QueryTerm(
        forms=() if prefix else forms,
        begins=forms if prefix else (),
        query=_either(forms, "*" if prefix else ""),
        prefix_query=_either((written,), "*") if may_begin else None,
    )


def _identifier(word: str, token: Token) -> QueryTerm | None:
    """A token as one term, joined or with its atoms side by side, if it names something.

    Words that a hyphen joins, such as ``price-determining``, do not.
    """
    characters = "".join(atom.text for atom in token.atoms)
    has_letter = any(character.isalpha() for character in characters)
    has_digit = any(character.isdigit() for character in characters)
    has_case = any(len(part) > 1 for part in _HUMPS.findall(word))
    if len(token.atoms) < 2 or not (
        (has_letter and has_digit) or (has_letter and _JOINTS.search(word)) or has_case
    ):
        return None
    last = len(token.atoms) - 1
    joined = [_either((term,)) for first, end, term in token.joined if (first, end) == (0, last)]
    written = [_written(atom) for atom in token.atoms]
    return QueryTerm(
        forms=(),
        query=" | ".join([*joined, f"({' <-> '.join(written)})"]),
        is_identifier=True,
        atoms=tuple(spellings(atom)[0] for atom in token.atoms),
        atoms_query=" & ".join(written),
        joined_query=" | ".join(joined) or None,
    )


def _sides(words: Sequence[str]) -> Iterator[str]:
    """The atoms of words, which stand side by side in a phrase."""
    for word in words:
        yield from map(_written, take_apart(word).atoms)


def _written(atom: Atom) -> str:
    """An atom without its stems, so that a phrase is found as it is written."""
    return _either(spellings(atom), "*" if atom.prefix else "")


def _forms(atom: Atom, language: str) -> tuple[str, ...]:
    """An atom as written, and its stems in the language of the query and in the common one.

    A query is short, so that its language is a guess.
    """
    forms = spellings(atom)
    if not atom.is_word:
        return forms
    codes = dict.fromkeys((language, languages.DEFAULT))
    written = (atom.text, *forms[1:])
    stems = (stem for code in codes for form in written for stem in languages.stems(form, code))
    return tuple(dict.fromkeys((*forms, *map(shorten, stems))))


def _either(forms: Sequence[str], label: str = "") -> str:
    """One of the forms, as tsquery; the label asks for a prefix or for fields."""
    end = f":{label}" if label else ""
    quoted = [f"{_quote(form)}{end}" for form in forms]
    return quoted[0] if len(quoted) == 1 else f"({' | '.join(quoted)})"


def _quote(term: str) -> str:
    escaped = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
