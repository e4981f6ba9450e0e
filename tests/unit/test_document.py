"""Parsed documents as they are stored: equal ones give equal bytes, others are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.document import Heading, Page, ParsedDocument
from ingest.domain.errors import DocumentUnreadable

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
DOCUMENTS = st.builds(
    ParsedDocument,
    text=TEXT,
    pages=st.lists(st.builds(Page, *[st.integers(0, 10**9)] * 3), max_size=5).map(tuple),
    headings=st.lists(
        st.builds(Heading, st.integers(0, 10**9), st.integers(1, 6), TEXT), max_size=5
    ).map(tuple),
    parser=TEXT,
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
        ParsedDocument("a text", (), (), "p").to_bytes()[:-4],
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DocumentUnreadable):
        ParsedDocument.from_bytes(data)


def test_text_is_stored_as_it_is_and_not_escaped() -> None:
    encoded = ParsedDocument("שלום 😀", (), (), "p").to_bytes()

    assert "שלום 😀" in encoded.decode()
    assert json.loads(encoded)["text"] == "שלום 😀"
