"""ZIP archives: each file under a heading of its path; what is not read is said."""

import io
import zipfile
from collections.abc import Iterable

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.formats import zip as zip_format
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentEmpty, DocumentEncrypted, ParserLimitExceeded
from ingest.domain.media_type import MediaType, detect, sniff
from ingest.domain.parse_warning import ParseWarning, WarningCode
from tests import samples
from tests.format_samples import archive
from tests.unit.parsing import assert_landmarks_are_exact, outline

LIMITS = ParserLimits(max_pages=100, max_text_chars=50_000_000)


def parse(data: bytes, limits: ParserLimits = LIMITS) -> ParsedDocument:
    parsed = parse_document(data, filename="x.zip", limits=limits)
    assert_landmarks_are_exact(parsed)
    return parsed


def messages(warnings: Iterable[ParseWarning]) -> list[str]:
    assert all(warning.code is WarningCode.PART_NOT_READ for warning in warnings)
    return [warning.message for warning in warnings]


def test_each_file_is_read_by_the_reader_of_its_type_under_its_path() -> None:
    parsed = parse(
        archive(
            {
                "docs/plan.docx": samples.docx("Docx words"),
                "notes.md": "# Log\n\n## Day\n\nMarkdown words",
                "stock.csv": "a,b\n1,2\n",
            }
        )
    )

    assert outline(parsed) == [
        *((1, "docs/plan.docx"), (2, "Overview"), (1, "notes.md"), (2, "Log"), (3, "Day")),
        (1, "stock.csv"),
    ]
    assert "Docx words" in parsed.text
    assert "| 1 | 2 |" in parsed.text
    assert not parsed.warnings


def test_a_file_that_cannot_be_read_does_not_hurt_its_siblings() -> None:
    parsed = parse(
        archive(
            {
                "song.mp3": samples.mp3(),
                "broken.docx": samples.docx("x")[:3000],
                "empty.txt": "",
                "good.txt": "Good words",
                "__MACOSX/._good.txt": b"\x00\x05\x16\x07",
            }
        )
    )

    assert parsed.text == "# good.txt\n\nGood words"
    said = messages(parsed.warnings)
    assert [message.split(" ")[0] for message in said] == ["song.mp3", "broken.docx", "empty.txt"]
    assert "MP3" in said[0]


def test_warnings_of_a_file_name_its_path() -> None:
    parsed = parse(archive({"a/broken.json": '{"a": 1,}'}))

    assert parsed.warnings[0].message.startswith("a/broken.json: the JSON is not valid")


def test_an_archive_in_an_archive_is_read_and_a_third_one_is_not() -> None:
    third = archive({"deep.txt": "Deep words"})
    second = archive({"inner.txt": "Inner words", "third.zip": third})

    parsed = parse(archive({"second.zip": second, "outer.txt": "Outer words"}))

    assert [title for _, title in outline(parsed)] == ["second.zip/inner.txt", "outer.txt"]
    assert "Deep words" not in parsed.text
    assert "second.zip/third.zip" in messages(parsed.warnings)[0]


def test_an_archive_without_any_readable_file_is_refused_with_a_reason() -> None:
    with pytest.raises(DocumentEmpty, match=r"song\.mp3: the content is an MP3 recording"):
        parse(archive({"song.mp3": samples.mp3()}))


def test_a_bomb_inside_is_not_read_and_a_bomb_outside_is_refused() -> None:
    bomb = archive({"zeros.txt": bytes(50_000_000)})

    parsed = parse(archive({"bomb.zip": bomb, "good.txt": "Good words"}))

    assert "times, limit 100" in messages(parsed.warnings)[0]
    with pytest.raises(ParserLimitExceeded):
        parse(bomb)


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_format, "MAX_FILES", 3)

    with pytest.raises(ParserLimitExceeded, match="4 files, limit 3"):
        parse(archive({f"{n}.txt": "x" for n in range(4)}))


def test_the_limit_of_the_text_holds_for_all_files_together() -> None:
    files = {f"{n}.txt": "words " * 1000 for n in range(10)}

    with pytest.raises(ParserLimitExceeded, match="text is longer"):
        parse(archive(files), ParserLimits(max_pages=10, max_text_chars=20_000))


def test_an_encrypted_archive_is_refused() -> None:
    data = bytearray(archive({"a.txt": "words"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1

    with pytest.raises(DocumentEncrypted):
        parse(bytes(data))


def test_names_in_utf8_without_its_flag_and_with_backslashes_are_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("XXXX\\log.txt", "words")
    data = out.getvalue().replace(b"XXXX", "åß".encode())

    assert outline(parse(data)) == [(1, "åß/log.txt")]


def test_a_book_or_document_under_the_name_of_an_archive_is_read_as_what_it_is() -> None:
    book = samples.epub("words")

    assert sniff(book[:4096], filename="x.zip") is MediaType.EPUB
    assert detect(samples.docx("words"), filename="x.zip") is MediaType.DOCX
    assert detect(archive({"word/list.txt": "words"}), filename="x.zip") is MediaType.ZIP
