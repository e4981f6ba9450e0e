"""A large corpus to search and questions about it, written from a seed.

Sentences are those of Python's own documentation: of its topics and of the modules of its standard
library. A document is about one of them. Rare words, whose frequencies follow Zipf's law, and
identifiers are set in, so that the vocabulary grows with the corpus as that of real texts does.
"""

import hashlib
import random
import re
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from pydoc_data.topics import topics
from uuid import UUID, uuid5

from ingest.domain.chunk import Chunk
from ingest.domain.chunk_context import title_of
from ingest.domain.identity import NAMESPACE

DOCUMENT_CHUNKS = 20
"""Of each document."""
_SHARES = (0.9, *(0.02,) * 4, *(0.001,) * 20)
"""Of all documents, by tenant: one that is large, four that are small and some that are tiny."""
_LEAST_WORDS, _MOST_WORDS = 120, 200
"""Of a chunk."""
_LEAST_SENTENCES = 20
"""Of a source that documents are about."""
_SENTENCE_WORDS = range(6, 41)
_HELD_OUT = 50
"""One sentence of this number is in no chunk, but may be asked."""
_VOCABULARY = 500_000
"""Words; the most frequent ones are real, the others are made up."""
_SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]
_OWN_SHARE = 0.7
"""Of a document's sentences, those of its source; the others are of any."""
_REPLACED = 8
"""One word of this number is replaced by another one, so that no sentence comes often."""
_IDENTIFIER_SHARE = 0.2
_COMMON = 40
"""Words that are very common."""
_DOCSTRING = re.compile(r'"""(.+?)"""', re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|\n\s*\n")
_MARKS = "_.,;:()'\"`"
_WORD = re.compile(r"[^\W\d_]{4,}")


@dataclass(frozen=True, slots=True)
class Document:
    """A document and its chunks."""

    document_id: UUID
    tenant_id: UUID
    filename: str
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    sentences: Sequence[str]


def tenants() -> list[UUID]:
    """The tenants, the largest first."""
    return [uuid5(NAMESPACE, f"search benchmark {number}") for number in range(len(_SHARES))]


def document(number: int) -> Document:
    """One of the documents; equal numbers give equal documents."""
    rng = random.Random(f"document {number}")
    source = rng.choice(_sources())
    filename = f"{source.name.replace('.', '_')}-{number}.md"
    document_id = uuid5(NAMESPACE, f"search benchmark document {number}")
    [tenant_id] = rng.choices(tenants(), cum_weights=list(accumulate(_SHARES)))
    title = _first_words(rng.choice(source.sentences))
    chunks, start = [], 0
    for at in range(DOCUMENT_CHUNKS):
        text = _passage(rng, source)
        heading = (title, _first_words(text))
        chunks.append(
            Chunk(
                chunk_id=uuid5(document_id, str(at)),
                chunk_ord=at,
                char_start=start,
                char_end=start + len(text),
                page=None,
                heading_path=heading,
                token_count=len(text) // 4,
                text=text,
                text_sha256=hashlib.sha256(text.encode()).digest(),
                context=f"{title_of(filename)}\n{' > '.join(heading)}",
                filename=filename,
            )
        )
        start += len(text)
    return Document(document_id, tenant_id, filename, tuple(chunks))


def questions(count: int, *, documents: int) -> dict[str, list[str]]:
    """What people type, by kind.

    Args:
        count: Of each kind.
        documents: How many there are; identifiers are taken from some of them.
    """
    rng = random.Random("questions")
    held_out = _held_out()
    kinds: Mapping[str, Callable[[], str]] = {
        "sentence": lambda: rng.choice(held_out),
        "question": lambda: _question(rng, rng.choice(held_out)),
        "identifier": lambda: _an_identifier(rng, documents),
        "words": lambda: " ".join(_words_of(rng, rng.choice(held_out), rng.choice((1, 2)))),
        "common": lambda: " ".join(rng.sample(_by_frequency()[:_COMMON], rng.choice((1, 2, 3)))),
    }
    return {kind: [ask() for _ in range(count)] for kind, ask in kinds.items()}


def _passage(rng: random.Random, source: _Source) -> str:
    wanted, held, parts = rng.randint(_LEAST_WORDS, _MOST_WORDS), 0, []
    while held < wanted:
        of = source if rng.random() < _OWN_SHARE else rng.choice(_sources())
        words = rng.choice(of.sentences).split()
        for _ in range(len(words) // _REPLACED):
            words[rng.randrange(len(words))] = _replacement(rng)
        if rng.random() < _IDENTIFIER_SHARE:
            words.insert(rng.randrange(len(words)), _identifier(rng))
        held += len(words)
        parts.append(" ".join(words))
    return " ".join(parts)


def _replacement(rng: random.Random) -> str:
    """A word of the vocabulary; how often one comes falls with its rank, by Zipf's law."""
    rank = int(_VOCABULARY ** rng.random())
    real = _by_frequency()
    return real[rank - 1] if rank <= len(real) else _made_up(rank)


def _made_up(number: int) -> str:
    syllables = []
    while number:
        number, at = divmod(number, len(_SYLLABLES))
        syllables.append(_SYLLABLES[at])
    return "".join(syllables)


def _identifier(rng: random.Random) -> str:
    kind, number = rng.randrange(3), int(1_000_000 ** rng.random())
    if kind == 0:
        return f"INV-{2015 + number % 10}-{number:05d}"
    if kind == 1:
        return f"{_replacement(rng)}_{_made_up(number)}"
    return f"E{number:04d}"


def _an_identifier(rng: random.Random, documents: int) -> str:
    """One that is in a chunk."""
    while True:
        for chunk in document(rng.randrange(documents)).chunks:
            words = (word.strip(_MARKS) for word in chunk.text.split())
            found = [word for word in words if word.startswith("INV-") or "_" in word]
            if found:
                return rng.choice(found)


def _question(rng: random.Random, sentence: str) -> str:
    opening = rng.choice(("How do I", "What is the", "Why does the", "When should I use the"))
    return f"{opening} {' '.join(_words_of(rng, sentence, rng.randint(2, 5)))}?"


def _words_of(rng: random.Random, sentence: str, count: int) -> list[str]:
    """Some words of a sentence, in its order."""
    words = _WORD.findall(sentence) or sentence.split()
    chosen = sorted(rng.sample(range(len(words)), min(count, len(words))))
    return [words[at].lower() for at in chosen]


def _first_words(text: str) -> str:
    return " ".join(text.split()[:5]).rstrip(".,:;")


@cache
def _by_frequency() -> list[str]:
    """The words of all sentences, the most frequent first."""
    counts = Counter(
        word
        for source in _sources()
        for sentence in source.sentences
        for word in _WORD.findall(sentence.lower())
    )
    return [word for word, _ in counts.most_common()]


@cache
def _sources() -> list[_Source]:
    return [
        _Source(name, [s for s in sentences if not _is_held_out(s)])
        for name, sentences in _all_sources()
        if len(sentences) >= _LEAST_SENTENCES
    ]


@cache
def _held_out() -> list[str]:
    return [s for _, sentences in _all_sources() for s in sentences if _is_held_out(s)]


def _is_held_out(sentence: str) -> bool:
    return hashlib.sha256(sentence.encode()).digest()[0] % _HELD_OUT == 0


@cache
def _all_sources() -> list[tuple[str, list[str]]]:
    texts = [(f"topic.{name.lower()}", text) for name, text in sorted(topics.items())]
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted([*library.glob("*.py"), *library.glob("[a-z]*/*.py")]):
        code = path.read_text(encoding="utf-8", errors="replace")
        texts.append((path.stem, "\n\n".join(_DOCSTRING.findall(code))))
    return [(name, list(dict.fromkeys(_sentences(text)))) for name, text in texts]


def _sentences(text: str) -> Iterator[str]:
    for part in _SENTENCE_END.split(text):
        words = part.split()
        if len(words) in _SENTENCE_WORDS:
            yield " ".join(words)
