"""How good a ranking is, and the rankings that the product's own is compared with."""

import logging
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import bm25s
import Stemmer

Run = dict[str, list[str]]
"""Identifiers of documents, best first, by the identifier of the question."""
K = 10
"""The place in a ranking up to which it is judged."""
DEPTH = 100
"""The places of a ranking that count when rankings are fused."""
_SMOOTHING = 60
logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets its own level to DEBUG
_WORD = re.compile(r"[0-9a-z_]+|(?:(?![0-9a-z_])[\w\u0e00-\u0e7f])+")
"""A run in ASCII, or a run of other letters; Thai vowels and tones above a letter belong to it."""


class Language(Enum):
    """What BM25 takes as words."""

    ENGLISH = ("english", "en")
    """Snowball's stems, without stop words."""
    GERMAN = ("german", "de")
    WITHOUT_SPACES = ("", "")
    """Pairs of neighbouring characters, as Lucene's analyzer for Chinese and Japanese."""


class Quality(NamedTuple):
    """Means over all questions, each 0 to 1."""

    ndcg: float
    """Normalized discounted cumulative gain; a document is relevant or is not."""
    recall: float
    """Share of a question's relevant documents that are found."""
    mrr: float
    """1 / the place of the first relevant document, 0 when there is none."""


def evaluate(run: Mapping[str, Sequence[str]], relevant: Mapping[str, Collection[str]]) -> Quality:
    """Judge the first ten documents of each ranking; a question without a ranking counts as 0."""
    each = [_judge(run.get(query, ())[:K], wanted) for query, wanted in relevant.items()]
    return Quality(*(sum(values) / len(each) for values in zip(*each, strict=True)))


def _judge(found: Sequence[str], wanted: Collection[str]) -> Quality:
    places = [place for place, name in enumerate(found, start=1) if name in wanted]
    best = sum(_discount(place) for place in range(1, min(K, len(wanted)) + 1))
    return Quality(
        sum(map(_discount, places)) / best,
        len(places) / len(wanted),
        1 / places[0] if places else 0.0,
    )


def _discount(place: int) -> float:
    return 1 / math.log2(place + 1)


def share_within(run: Mapping[str, Sequence[str]], wanted: Mapping[str, str], places: int) -> float:
    """Share of the questions whose one right document is among the first places."""
    right = sum(name in run.get(query, ())[:places] for query, name in wanted.items())
    return right / len(wanted)


def first_of_each(names: Iterable[str]) -> list[str]:
    """Each name once, where it came first: documents in the order of their best chunks."""
    return list(dict.fromkeys(names))


def fuse_runs(*runs: Mapping[str, Sequence[str]], weights: Sequence[float] = ()) -> Run:
    """Reciprocal rank fusion of the first hundred documents of each run.

    Args:
        runs: Rankings of the same questions.
        weights: Of each run, in their order; 1 by default.
    """
    fused = {}
    for query in runs[0]:
        points: dict[str, float] = {}
        for run, weight in zip(runs, weights or [1.0] * len(runs), strict=True):
            for place, name in enumerate(run.get(query, ())[:DEPTH], start=1):
                points[name] = points.get(name, 0.0) + weight / (_SMOOTHING + place)
        fused[query] = sorted(points, key=lambda name: -points[name])
    return fused


def bm25(
    documents: Mapping[str, str], queries: Mapping[str, str], language: Language = Language.ENGLISH
) -> Run:
    """The ranking of whole documents by BM25 as Lucene computes it (k1 = 1.2, b = 0.75).

    Its first hundred documents; one that shares no word with the question is not among them.
    """
    return {
        query: list(found) for query, found in bm25_scores(documents, queries, language).items()
    }


def bm25_scores(
    documents: Mapping[str, str], queries: Mapping[str, str], language: Language = Language.ENGLISH
) -> dict[str, dict[str, float]]:
    """The scores of ``bm25``, best first, by the identifier of the question."""
    names = list(documents)
    index = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    index.index(_words(documents.values(), language), show_progress=False)
    found, scores = index.retrieve(
        _words(queries.values(), language), k=min(DEPTH, len(names)), show_progress=False
    )
    return {
        query: {
            names[number]: float(score)
            for number, score in zip(row, points, strict=True)
            if score > 0
        }
        for query, row, points in zip(queries, found, scores, strict=True)
    }


def _words(texts: Iterable[str], language: Language) -> Any:
    """What bm25s takes: its own object, or the words of each text."""
    stemmer, stopwords = language.value
    if not stemmer:
        return [_pairs(text) for text in texts]
    return bm25s.tokenize(
        list(texts), stopwords=stopwords, stemmer=Stemmer.Stemmer(stemmer), show_progress=False
    )


def _pairs(text: str) -> list[str]:
    """Pairs of neighbouring characters, and whole words in ASCII."""
    pairs: list[str] = []
    for word in _WORD.findall(text.casefold()):
        is_whole = word.isascii() or len(word) == 1
        pairs += [word] if is_whole else [word[at : at + 2] for at in range(len(word) - 1)]
    return pairs
