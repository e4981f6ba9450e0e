"""Chunks count what is sent, and stay within what the embedder takes."""

import hashlib
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import wordllama
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.adapters.splitters.ruler import Ruler
from ingest.adapters.splitters.structure import StructureSplitter
from ingest.adapters.splitters.vocabularies import HuggingFace
from ingest.app.pipeline.chunk import cut
from ingest.domain.chunk import Chunk
from ingest.domain.document import Heading, ParsedDocument
from tests.samples import LOREM

DOCUMENT = UUID(int=7)
USUAL = StructureSplitter(max_tokens=64, overlap_tokens=8)
ROWS = "\n".join(f"| Route {n} | {n}.50 |" for n in range(60))
TABLE = f"| Route | Fare |\n|---|---|\n{ROWS}"


def parsed(text: str, *headings: str) -> ParsedDocument:
    found = tuple(Heading(text.index(title), 1, title) for title in headings)
    return ParsedDocument(text, (), found, "test/1")


def chunks(
    text: str, *headings: str, splitter: StructureSplitter = USUAL, filename: str = "tariff.md"
) -> list[Chunk]:
    return cut(parsed(text, *headings), DOCUMENT, splitter, filename=filename)


def local_vocabulary() -> HuggingFace:
    folder = Path(wordllama.__file__).parent
    tokenizer = wordllama.WordLlama.load(cache_dir=folder, disable_download=True).tokenizer
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return HuggingFace("llama2", tokenizer)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [LOREM, TABLE, "# Ferry", "----------", "(a, b).", "東京の港", "🚢", "x | y"]
        )
    ),
    st.sampled_from(["tariff.md", "a (1).pdf", "東京.txt", "x" * 250, "_.md", "v2!.txt"]),
)
def test_the_tokens_are_those_of_the_exact_text_that_is_sent(
    parts: list[str], filename: str
) -> None:
    text = "\n\n".join(["Words.", *parts])

    for chunk in chunks(text, filename=filename):
        assert chunk.token_count == USUAL.count([chunk.embedded_text])[0]
        assert chunk.text_sha256 == hashlib.sha256(chunk.embedded_text.encode()).digest()
        assert chunk.text == text[chunk.char_start : chunk.char_end]


def test_the_context_is_cut_until_the_embedder_takes_the_text() -> None:
    splitter = StructureSplitter(max_tokens=64, overlap_tokens=0, limit_tokens=80)
    title = "A heading " * 7

    made = chunks(f"{title}\n\n{TABLE}", title, splitter=splitter, filename="name " * 40 + ".md")

    assert all(chunk.token_count <= 80 for chunk in made)
    assert all(chunk.context for chunk in made)
    for chunk in made:
        assert chunk.token_count == splitter.count([chunk.embedded_text])[0]


def test_texts_that_differ_in_marks_alone_are_other_chunks_with_one_digest() -> None:
    [before], [after] = (
        chunks("| a | b |\n|---|---|\n| c | d |"),
        chunks("| a | b |\n|:-:|---|\n| c | d |"),
    )

    assert before.text_sha256 == after.text_sha256, "nothing is paid twice"
    assert before.chunk_id != after.chunk_id, "the row with the old text does not stay"


def test_another_file_name_or_heading_is_embedded_anew() -> None:
    [one], [other] = chunks("Words."), chunks("Words.", filename="ferry.md")
    [headed] = chunks("Ferry\n\nWords.", "Ferry")

    assert len({one.text_sha256, other.text_sha256, headed.text_sha256}) == 3
    assert one.chunk_id != other.chunk_id


def test_a_local_model_counts_with_its_own_vocabulary() -> None:
    vocabulary = local_vocabulary()
    splitter = StructureSplitter(
        max_tokens=60, overlap_tokens=8, limit_tokens=90, vocabulary=vocabulary
    )
    text = "\n\n".join(f"{LOREM} Ølands færge {n}." for n in range(20))

    passages = splitter.split(parsed(text))
    made = chunks(text, splitter=splitter)

    assert splitter.label == "structure/3:llama2:60+8"
    pieces = [text[passage.char_start : passage.char_end] for passage in passages]
    assert max(vocabulary.count(pieces)) <= 60
    assert max(vocabulary.count([chunk.embedded_text for chunk in made])) <= 90
    assert Ruler(text, vocabulary).count(text) == vocabulary.count([text])[0]


@pytest.mark.parametrize("filename", ["a.md", "b.md"])
def test_the_same_document_gives_the_same_chunks(filename: str) -> None:
    document = parsed(TABLE)
    assert cut(document, DOCUMENT, USUAL, filename=filename) == cut(
        document, DOCUMENT, USUAL, filename=filename
    )
    [mine, *_] = cut(document, uuid4(), USUAL, filename=filename)
    assert mine.chunk_id != cut(document, DOCUMENT, USUAL, filename=filename)[0].chunk_id
