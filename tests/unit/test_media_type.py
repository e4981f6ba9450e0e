import io
import random
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentRejected,
    DocumentUnreadable,
    UnsupportedMediaType,
)
from ingest.domain.media_type import EXTENSIONS, HEAD_BYTES, MediaType, detect, sniff
from tests import samples

EACH = {name: data for name, data in samples.one_of_each(samples.LOREM)}


@pytest.mark.parametrize("name", EACH)
def test_sniff_and_detect_agree_with_the_extension_of_a_sound_file(name: str) -> None:
    expected = EXTENSIONS["." + name.rpartition(".")[2]]

    assert sniff(EACH[name][:HEAD_BYTES], filename=name) is expected
    assert detect(EACH[name], filename=name) is expected


@pytest.mark.parametrize("name", ["sample.pdf", "sample.html"])
def test_content_decides_over_a_wrong_extension(name: str) -> None:
    expected = EXTENSIONS["." + name.rpartition(".")[2]]

    for wrong in ("x.txt", "x.docx", "x.md", "x"):
        assert detect(EACH[name], filename=wrong) is expected


@pytest.mark.parametrize("name", ["sample.docx", "sample.pptx", "sample.xlsx", "sample.epub"])
def test_an_archive_is_recognised_under_the_name_of_another_format(name: str) -> None:
    expected = EXTENSIONS["." + name.rpartition(".")[2]]

    for wrong in ("x.docx", "x.pptx", "x.xlsx", "x.epub"):
        assert detect(EACH[name], filename=wrong) is expected


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (samples.mp3(), "MP3"),
        (b"MZ\x90\x00\x03\x00\x00\x00", "Windows program"),
        (b"\x7fELF\x02\x01\x01", "Linux program"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "gzip"),
        (samples.legacy_doc(), "OLE"),
        (random.Random(7).randbytes(5000), "binary"),
    ],
)
@pytest.mark.parametrize("name", ["x.pdf", "x.txt", "x.md", "x.bin", "x"])
def test_unsupported_content_is_refused_by_what_it_is(content: bytes, says: str, name: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=says):
        sniff(content[:HEAD_BYTES], filename=name)


def test_a_zip_archive_under_the_name_of_a_program_or_a_document_is_unsupported() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("song.mp3", samples.mp3())

    with pytest.raises(UnsupportedMediaType, match="ZIP"):
        sniff(out.getvalue(), filename="songs.jar")
    with pytest.raises(UnsupportedMediaType, match="ZIP"):
        detect(out.getvalue(), filename="songs.docx")


@pytest.mark.parametrize("extension", [".pdf", ".docx", ".pptx", ".xlsx", ".epub"])
def test_plain_text_under_a_binary_name_is_unreadable(extension: str) -> None:
    with pytest.raises(DocumentUnreadable, match=f"ends in {extension} but the content is plain"):
        sniff(b"just some words", filename=f"x{extension}")


def test_no_bytes_are_an_empty_document() -> None:
    with pytest.raises(DocumentEmpty):
        sniff(b"", filename="x.pdf")


def test_an_encrypted_office_file_passes_the_door_and_is_named_by_the_parse_stage() -> None:
    content = samples.encrypted_docx()

    assert sniff(content[:HEAD_BYTES], filename="x.docx") is MediaType.DOCX
    with pytest.raises(DocumentEncrypted):
        detect(content, filename="x.docx")
    with pytest.raises(UnsupportedMediaType, match="legacy"):
        detect(samples.legacy_doc(), filename="x.docx")


def test_a_truncated_archive_is_unreadable() -> None:
    with pytest.raises(DocumentUnreadable, match="truncated or corrupt"):
        detect(samples.docx()[:9000], filename="x.docx")


@pytest.mark.parametrize(
    "content",
    [
        "naïve café".encode("latin-1"),
        "Привет, мир".encode("cp1251"),
        "wide text".encode("utf-16"),
        "wide text without a mark".encode("utf-16-le"),
        "שלום 😀 <|endoftext|>".encode(),
        b"some\x00 NUL\x00 bytes in a text that goes on",
        ("x" * (HEAD_BYTES - 1) + "é").encode()[:HEAD_BYTES],
    ],
)
def test_text_in_any_encoding_is_text(content: bytes) -> None:
    assert sniff(content, filename="x.txt") is MediaType.TEXT
    assert sniff(content, filename="x.md") is MediaType.MARKDOWN


def test_a_memo_with_headers_stays_text_but_a_message_is_mail() -> None:
    memo = b"From: Ada\nTo: DatabaseDump\nSubject: Ledgers\n\nPlease sort them."

    assert sniff(memo, filename="memo.txt") is MediaType.TEXT
    assert sniff(memo, filename="memo.eml") is MediaType.EML
    assert sniff(b"MIME-Version: 1.0\n" + memo, filename="memo.txt") is MediaType.EML


HEADER = b"From: Ada <ada@example.org>\nTo: port@example.org\nSubject: Ledgers\n"
PROOF = b"Message-ID: <1@example.org>\n"
ENVELOPE = b"From ada@example.org Tue Jun  4 10:00:00 2024\n"


@pytest.mark.parametrize(
    ("start", "name", "expected"),
    [
        (b"", "m.eml", MediaType.EML),
        (b"\n\n", "m.eml", MediaType.EML),
        (b"\xef\xbb\xbf", "m.eml", MediaType.EML),
        (b"X-Long: " + b"x" * 60 + b"\n", "m.eml", MediaType.EML),
        (b"X-Long: x\n " + b"x" * 20_000 + b"\n", "mail", MediaType.EML),
        (ENVELOPE, "m.eml", MediaType.EML),
        (ENVELOPE, "m.mbox", MediaType.MBOX),
        (ENVELOPE, "m", MediaType.MBOX),
        (b"", "m.mbox", MediaType.EML),
        (b"", "m.txt", MediaType.EML),
    ],
)
def test_mail_is_known_by_its_header_whatever_stands_before_it(
    start: bytes, name: str, expected: MediaType
) -> None:
    assert sniff(start + PROOF + HEADER + b"\nBody", filename=name) is expected


@pytest.mark.parametrize(
    "content",
    [
        b"Date: Friday\nSubject: the crane\nPlace: quay\n\nBody of the minutes",
        b"from: harbour\nto: quay\nkeys: kept\nlist:\n  - one\n",
        b"From: Ada\nTo: all\nSubject: Canteen\nRe: Closing\n\nIt closes.",
        b"Received: 5 packets\nFrom: 10.0.0.1\nDate: 2024-06-04\nTo: 10.0.0.2\n",
        b"From 2024 on the port is open.\nTo: all\n",
        b"%!PS is how PostScript begins.",
        b"%PDF-1.4 is how a PDF begins, explained in plain text.",
    ],
)
@pytest.mark.parametrize("name", ["x", "x.log", "x.yaml", "x.txt"])
def test_text_that_begins_like_mail_or_a_document_stays_text(content: bytes, name: str) -> None:
    assert sniff(content, filename=name) is MediaType.TEXT


@pytest.mark.parametrize(
    "content",
    [
        b"<h2>Title</h2>\n<p>Words</p>",
        b"<!-- a\nlong -->\n<div class='x'><p>Words</p></div>",
        "\ufeff<html><p>Wide words".encode("utf-16-le"),
        "<html><body><p>Wide words</p>".encode("utf-16-be"),
        b"<!--" + b" comment" * 2000 + b"-->\n<!DOCTYPE html><p>Words",
    ],
)
def test_a_page_without_an_extension_is_html(content: bytes) -> None:
    assert sniff(content, filename="page") is MediaType.HTML


@pytest.mark.parametrize("content", [b"<p>and nothing closed", b"<notes>x</notes>", b"<3 hearts"])
def test_a_text_with_an_angle_bracket_is_no_page(content: bytes) -> None:
    assert sniff(content, filename="page") is MediaType.TEXT


def test_postscript_and_binary_pdf_are_known_under_any_name() -> None:
    with pytest.raises(UnsupportedMediaType, match="PostScript"):
        sniff(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", filename="x.txt")
    assert sniff(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", filename="x.txt") is MediaType.PDF
    assert sniff(b"junk\n" * 500 + b"%PDF-1.7\n", filename="x.pdf") is MediaType.PDF


def test_an_archive_is_known_whatever_slashes_its_names_have() -> None:
    book, letter = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("META-INF/container.xml", "<container/>")
    with zipfile.ZipFile(letter, "w") as archive:
        archive.writestr("word\\document.xml", "<document/>")

    assert sniff(book.getvalue(), filename="x.zip") is MediaType.EPUB
    assert detect(book.getvalue(), filename="x.zip") is MediaType.EPUB
    assert sniff(letter.getvalue(), filename="x") is MediaType.DOCX
    assert detect(letter.getvalue(), filename="x") is MediaType.DOCX


@pytest.mark.parametrize("name", ["sample.docx", "sample.pptx", "sample.xlsx", "sample.epub"])
def test_the_parse_stage_knows_an_archive_without_any_extension(name: str) -> None:
    expected = EXTENSIONS["." + name.rpartition(".")[2]]

    assert detect(EACH[name], filename="no extension") is expected


@pytest.mark.parametrize("repeated", [b"<!---->", b"<!-- x -->\n", b"<?xml?>", b"<!--", b" \n"])
def test_the_door_decides_at_once_whatever_the_content_repeats(repeated: bytes) -> None:
    content = repeated * (HEAD_BYTES // len(repeated)) + b"x"
    started = time.monotonic()

    assert sniff(content, filename="x.txt") is MediaType.TEXT
    assert time.monotonic() - started < 1


def test_a_page_is_recognised_behind_comments_and_declarations() -> None:
    page = b"<?xml version='1.0'?>\n<!-- a -->\n<!-- <b> -- -->\n<!DOCTYPE html><p>x"

    assert sniff(page, filename="x") is MediaType.HTML


def test_the_door_sees_the_same_in_the_head_as_in_the_whole_file() -> None:
    content = b"just text " * HEAD_BYTES + b"\xff\x00\x01\x02" * HEAD_BYTES

    assert sniff(content[:HEAD_BYTES], filename="x.txt") is sniff(content, filename="x.txt")


@given(st.binary(max_size=300), st.sampled_from(["", *EXTENSIONS, ".png"]))
def test_any_bytes_have_a_media_type_or_are_rejected(content: bytes, extension: str) -> None:
    try:
        found = detect(content, filename=f"x{extension}")
    except DocumentRejected:
        return
    assert found in MediaType


@pytest.mark.parametrize("start", ["GIF89a is a format of pictures.", "Rar! said the old crow."])
def test_a_text_about_a_format_is_text(start: str) -> None:
    assert sniff(start.encode(), filename="x.txt") is MediaType.TEXT
