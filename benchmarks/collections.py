"""Public test collections: documents, questions, and which documents answer each question.

The files are not part of this repository. `SOURCES` names them and their digests, so a figure
always belongs to the same texts.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.ranking import Language

Texts = dict[str, str]
"""Texts by the collection's own identifiers."""
Relevant = dict[str, frozenset[str]]
"""Identifiers of the documents that answer a question, by the question's identifier."""
_SMART_FIELD = re.compile(r"\.([A-Z])(?:\s+(\d+))?\s*")
_TIME_DOCUMENT = re.compile(r"\*TEXT\b.*")
_TIME_QUERY = re.compile(r"\*FIND\s+(\d+)\s*")
_GLASGOW = "none stated; spread for research by the University of Glasgow"
_XQUAD = "CC BY-SA 4.0"


class Collection(NamedTuple):
    """A test collection."""

    documents: Texts
    queries: Texts
    relevant: Relevant
    """Holds every question: one without a relevant document is left out of a collection."""


@dataclass(frozen=True, slots=True)
class Source:
    """A collection's files, and how they are read."""

    folder: str
    digests: Mapping[str, str]
    """SHA-256 in hexadecimal digits, by the file's name, in the order the reader takes them."""
    read: Callable[..., Collection]
    """Takes the texts of the files."""
    licence: str
    language: Language = Language.ENGLISH


class UnknownFileError(Exception):
    """A file of a collection is not the one whose digest is listed."""


def present(folder: Path) -> list[str]:
    """Names of the collections whose files are all in a folder, in the order of `SOURCES`."""
    return [
        name
        for name, source in SOURCES.items()
        if all((folder / source.folder / file).is_file() for file in source.digests)
    ]


def load(name: str, folder: Path) -> Collection:
    """Read a collection.

    Args:
        name: One of `SOURCES`.
        folder: Holds the folders that `SOURCES` names.

    Raises:
        UnknownFileError: a file has another digest than the one that is listed.
    """
    source = SOURCES[name]
    texts = []
    for file, digest in source.digests.items():
        path = folder / source.folder / file
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise UnknownFileError(f"{path} has the SHA-256 {found}, not {digest}")
        texts.append(content.decode("utf-8", errors="replace"))
    return source.read(*texts)


def judged(documents: Texts, queries: Texts, relevant: Mapping[str, set[str]]) -> Collection:
    """A collection without empty documents and without questions that no document answers."""
    kept = {name: text for name, text in documents.items() if text}
    found = {query: frozenset(relevant.get(query, set()) & kept.keys()) for query in queries}
    answered = {query: names for query, names in found.items() if names}
    return Collection(kept, {query: queries[query] for query in answered}, answered)


def smart_records(text: str) -> dict[str, dict[str, str]]:
    """Records of a file in the format of the SMART system: fields by letter, by identifier.

    A line ``.I 7`` begins record 7, and a line ``.W`` begins its field ``W``.
    """
    records: dict[str, dict[str, str]] = {}
    record: dict[str, str] = {}
    letter = ""
    for line in text.splitlines():
        found = _SMART_FIELD.fullmatch(line)
        if found and found[1] == "I" and found[2]:
            record, letter = records.setdefault(str(int(found[2])), {}), ""
        elif found:
            letter = found[1]
        elif letter:
            record[letter] = record.get(letter, "") + line.rstrip() + "\n"
    return records


def read_smart(
    documents: str,
    queries: str,
    judgments: str,
    *,
    numbered: bool = False,
    document_column: int = 1,
    grade_column: int | None = None,
) -> Collection:
    """Documents (title and text) and questions in SMART's format, judgments in columns.

    Args:
        documents: Text of the file.
        queries: Text of the file.
        judgments: Text of the file; the first column names the question.
        numbered: Judgments name a question by its place in the file, from 1.
        document_column: Column of the document, from 0.
        grade_column: Column of the grade; below 1 it means "not relevant". None: all are relevant.
    """
    texts = {
        name: "\n\n".join(part.strip() for letter in "TW" if (part := record.get(letter, "")))
        for name, record in smart_records(documents).items()
    }
    asked = {
        str(place) if numbered else name: " ".join(record.get("W", "").split())
        for place, (name, record) in enumerate(smart_records(queries).items(), start=1)
    }
    relevant: dict[str, set[str]] = {}
    for columns in map(str.split, judgments.splitlines()):
        if len(columns) <= max(document_column, grade_column or 0):
            continue
        if grade_column is None or int(columns[grade_column]) >= 1:
            name = str(int(columns[document_column]))
            relevant.setdefault(str(int(columns[0])), set()).add(name)
    return judged(texts, asked, relevant)


def read_time(documents: str, queries: str, judgments: str) -> Collection:
    """Articles of the magazine Time, 1963: documents are named by their place in the file."""
    texts: Texts = {}
    for line in filter(None, map(str.strip, documents.splitlines())):
        if _TIME_DOCUMENT.fullmatch(line):
            texts[str(len(texts) + 1)] = ""
        elif line != "*STOP":
            texts[str(len(texts))] += line + "\n"
    asked: Texts = {}
    query = ""
    for line in filter(None, map(str.strip, queries.splitlines())):
        if found := _TIME_QUERY.fullmatch(line):
            query = found[1]
            asked[query] = ""
        elif line != "*STOP":
            asked[query] = f"{asked[query]} {line}".strip()
    rows = [line.split() for line in judgments.splitlines() if line.strip()]
    return judged(texts, asked, {row[0]: set(row[1:]) for row in rows})


def read_squad(text: str) -> Collection:
    """Paragraphs as documents, in the format of SQuAD: each answers the questions below it."""
    documents: Texts = {}
    queries: Texts = {}
    relevant: dict[str, set[str]] = {}
    for number, article in enumerate(json.loads(text)["data"]):
        for place, paragraph in enumerate(article["paragraphs"]):
            name = f"{number}-{place}"
            documents[name] = paragraph["context"].strip()
            for asked in paragraph["qas"]:
                queries[asked["id"]] = asked["question"].strip()
                relevant[asked["id"]] = {name}
    return judged(documents, queries, relevant)


SOURCES = {
    "cranfield": Source(
        "cran",
        {
            "cran.all.1400": "0b7057f0068489b54ba798436b65671750808e08eb5f9c84b134368aaae1759a",
            "cran.qry": "197ed4f92bbf2e2b16d32ebc22ef37079b36557d7fa5e0aedd57bf58a90eb4ca",
            "cranqrel": "92e54b58dac0b980152178f350d892fae66c8a239b8a11715b835fb8d2f6bc0e",
        },
        partial(read_smart, numbered=True, grade_column=2),
        _GLASGOW,
    ),
    "cisi": Source(
        "cisi",
        {
            "CISI.ALL": "c13934ad921234b571e7b424af3461fe39dccb16757cb21954b3aea5250d072e",
            "CISI.QRY": "b72de0e0cb8aa5c93ac988e5be0400cc18949d0a94913a248783a37dd97d5470",
            "CISI.REL": "f7396c92586c61953ccb7ae99ad8d3ac749ac3b989041fc93a9e311568f58997",
        },
        read_smart,
        _GLASGOW,
    ),
    "medline": Source(
        "med",
        {
            "MED.ALL": "fdcd99cf7fc6c45707c9b5bef7daac739f06c4063ebcad9b5cccf2f939fa4236",
            "MED.QRY": "41fbc9d7a0ac8620d53e09b3429d2695cecc63d4bf7e15e55bbcee0785a1798c",
            "MED.REL": "9bbcf3b73afc8b0f54362b516f323e52ab3c4147d146dedeb18fdba01f0a4288",
        },
        read_smart,
        _GLASGOW,
    ),
    "cacm": Source(
        "cacm",
        {
            "cacm.all": "34bdd3eb27a92e5f8068a785b53ef40b9dc0b800dbafc5bac79a80dd999cdc17",
            "query.text": "ca004f06b57cb8a298c73bf55793174e50ff32fc83c5bb5f10ed2ed559f621e6",
            "qrels.text": "da4202b0c70cad7d91c9a028eaf8cbd0a4ca981ebdc3955eb75ba7b6de6f185c",
        },
        read_smart,
        _GLASGOW,
    ),
    "time": Source(
        "time",
        {
            "TIME.ALL": "b8ae908cff6f1d5d1ed77958accc2b890c6a94ab2d15748af80c2b2ac7466ab6",
            "TIME.QUE": "959fd8a1e2096ad5b0d0570cf7938555f42e66443cc89972e2638eb623d36fad",
            "TIME.REL": "e7f3c69bde95fe05e757db6c60f262608028945cd0f9c1fcba4cb116abcc1539",
        },
        read_time,
        _GLASGOW,
    ),
    "xquad_en": Source(
        "xquad",
        {"xquad.en.json": "e4c57d1c9143aaa1c5d265ba5987a65f4e69528d2a98f29d6e75019b10344f29"},
        read_squad,
        _XQUAD,
    ),
    "xquad_de": Source(
        "xquad",
        {"xquad.de.json": "990b5d746746ed65ed4702ea5f35f99ffa4e2f1c390c07d003642acd937916f9"},
        read_squad,
        _XQUAD,
        Language.GERMAN,
    ),
    "xquad_th": Source(
        "xquad",
        {"xquad.th.json": "5cdda11d0e1e075f7872abf4e6ae830388ce7f617964d542308e9ae4257e0f43"},
        read_squad,
        _XQUAD,
        Language.WITHOUT_SPACES,
    ),
    "xquad_zh": Source(
        "xquad",
        {"xquad.zh.json": "691d0b3359bc6b8faa8de931dfdfe21d50a65861ae348e32a0d1a0190b0c8835"},
        read_squad,
        _XQUAD,
        Language.WITHOUT_SPACES,
    ),
}
"""The collections that can be measured with, by name."""
