from collections import Counter

from benchmarks.corpus import mixed_corpus
from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.media_type import EXTENSIONS, HEAD_BYTES, MediaType, detect, sniff

LIMITS = ParserLimits(max_pages=1000, max_text_chars=1_000_000)


WRITTEN = {
    *(MediaType.PDF, MediaType.DOCX, MediaType.PPTX, MediaType.XLSX, MediaType.HTML),
    *(MediaType.MARKDOWN, MediaType.TEXT, MediaType.EPUB, MediaType.EML),
}


def parse(name: str, data: bytes) -> ParsedDocument:
    return parse_document(data, filename=name, limits=LIMITS)


def test_the_corpus_spreads_evenly_over_nine_formats() -> None:
    names = [name for name, _, _ in mixed_corpus(18, seed=3)]

    kinds = Counter(EXTENSIONS["." + name.rpartition(".")[2]] for name in names)
    assert len(kinds) == 9
    assert set(kinds.values()) == {2}
    assert len(set(names)) == 18


def test_each_planted_sentence_is_found_in_its_own_document_alone() -> None:
    corpus = list(mixed_corpus(27, seed=4))

    texts = [parse(name, data).text for name, data, _ in corpus]

    for number, (_, _, planted) in enumerate(corpus):
        holders = [n for n, text in enumerate(texts) if planted in " ".join(text.split())]
        assert holders == [number]


def test_documents_are_of_the_type_of_their_name_and_of_the_promised_size() -> None:
    for name, data, _ in mixed_corpus(18, seed=5):
        expected = EXTENSIONS["." + name.rpartition(".")[2]]

        assert sniff(data[:HEAD_BYTES], filename=name) is expected
        assert detect(data, filename=name) is expected
        assert 2_000 <= len(parse(name, data).text) <= 44_000


def test_equal_seeds_give_equal_texts_and_other_seeds_others() -> None:
    first, again, other = (list(mixed_corpus(9, seed=seed)) for seed in (6, 6, 7))

    for (name, data, planted), (name_again, data_again, planted_again) in zip(
        first, again, strict=True
    ):
        assert (name, planted) == (name_again, planted_again)
        assert parse(name, data) == parse(name_again, data_again)
    assert not {planted for _, _, planted in first} & {planted for _, _, planted in other}
