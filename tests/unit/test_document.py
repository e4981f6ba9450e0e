"""Parsed documents as they are stored: equal ones give equal bytes, others are refused."""

import json
import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.document import Heading, Page, ParsedDocument
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.parse_warning import ParseWarning, WarningCode

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
DOCUMENTS = st.builds(
    ParsedDocument,
    text=TEXT,
    pages=st.lists(st.builds(Page, *[st.integers(0, 10**9)] * 3), max_size=5).map(tuple),
    headings=st.lists(
        st.builds(Heading, st.integers(0, 10**9), st.integers(1, 6), TEXT), max_size=5
    ).map(tuple),
    parser=TEXT,
    warnings=st.lists(st.builds(ParseWarning, st.sampled_from(WarningCode), TEXT), max_size=5).map(
        tuple
    ),
)


@given(DOCUMENTS)
def test_a_parsed_document_comes_back_as_it_was_stored(parsed: ParsedDocument) -> None:
    assert ParsedDocument.from_bytes(parsed.to_bytes()) == parsed


@given(DOCUMENTS, DOCUMENTS)
def test_equal_documents_and_only_those_give_equal_bytes(
    first: ParsedDocument, second: ParsedDocument
) -> None:
    assert (first.to_bytes() == second.to_bytes()) == (first == second)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"text": "x", "pages": [], "headings": []}',
        b'{"text": "x", "pages": [[1]], "headings": [], "parser": "p"}',
        b'{"text": "x", "pages": 7, "headings": [], "parser": "p"}',
        b'{"text": "x", "pages": [], "headings": [], "parser": "p", "warnings": [["rows_cut", 7]]}',
        ParsedDocument("a text", (), (), "p").to_bytes()[:-4],
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DocumentUnreadable):
        ParsedDocument.from_bytes(data)


def test_a_warning_of_newer_code_keeps_its_sentence() -> None:
    encoded = ParsedDocument("a text", (), (), "p").to_bytes()
    newer = encoded.replace(b'"warnings":[]', b'"warnings":[["page_upside_down","page 2 is"]]')

    decoded = ParsedDocument.from_bytes(newer)

    assert decoded.warnings == (ParseWarning(WarningCode.OTHER, "page 2 is"),)
    assert decoded.to_bytes() == newer


def test_text_is_stored_as_it_is_and_not_escaped() -> None:
    encoded = ParsedDocument("שלום 😀", (), (), "p").to_bytes()

    assert "שלום 😀" in encoded.decode()
    assert json.loads(encoded)["text"] == "שלום 😀"


def test_a_document_that_was_decoded_is_not_encoded_again() -> None:
    encoded = ParsedDocument("a text", (), (), "p").to_bytes()

    assert ParsedDocument.from_bytes(encoded).to_bytes() is encoded


def test_a_changed_copy_of_a_decoded_document_has_an_encoding_of_its_own() -> None:
    decoded = ParsedDocument.from_bytes(ParsedDocument("a text", (), (), "p").to_bytes())

    other = replace(decoded, text="another text")

    assert ParsedDocument.from_bytes(other.to_bytes()).text == "another text"


def test_the_encoding_stays_behind_when_a_document_travels() -> None:
    made = ParsedDocument("a text " * 1000, (), (), "p")
    decoded = ParsedDocument.from_bytes(made.to_bytes())

    assert pickle.loads(pickle.dumps(decoded)) == made  # noqa: S301 - written one line above
    assert len(pickle.dumps(decoded)) == len(pickle.dumps(made))
