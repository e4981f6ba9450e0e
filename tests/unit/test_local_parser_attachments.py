"""Attachments of mail are read by the readers of their formats, within the limits of the mail."""

import io
import zipfile
from email.message import EmailMessage

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.formats import attached
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode
from tests import samples, scans
from tests.format_samples import msg
from tests.unit.parsing import assert_landmarks_are_exact, outline

LIMITS = ParserLimits(max_pages=100, max_text_chars=1_000_000)


def parse(data: bytes, name: str = "x.eml", limits: ParserLimits = LIMITS) -> ParsedDocument:
    parsed = parse_document(data, filename=name, limits=limits)
    assert_landmarks_are_exact(parsed)
    return parsed


def mail(files: dict[str, bytes]) -> EmailMessage:
    message = samples.message("See the files")
    for name, data in files.items():
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message


def archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in files.items():
            made.writestr(name, data)
    return out.getvalue()


def refused(parsed: ParsedDocument) -> list[str]:
    return [w.message for w in parsed.warnings if w.code is WarningCode.ATTACHMENT_NOT_READ]


def test_attached_documents_are_read_under_their_names() -> None:
    files = {
        "plan.pdf": samples.pdf(["Words of the plan"]),
        "report.docx": samples.docx("Words of the report"),
        "list.xlsx": samples.xlsx(("Fruit", "Count"), ("Limes", 47)),
        "more.zip": archive({"a.txt": b"Words of the archive"}),
    }

    parsed = parse(mail(files).as_bytes())

    titles = [title for level, title in outline(parsed) if level == 2]
    assert titles == list(files)
    for words in ("Words of the plan", "Words of the report", "| Limes | 47 |", "of the archive"):
        assert parsed.text.count(words) == 1
    assert (3, "Overview") in outline(parsed)
    assert parsed.warnings == ()


def test_attachments_of_outlook_are_read() -> None:
    parsed = parse(msg({0x37: "s", 0x1000: "Body"}, attachments=["notes.txt"]), "x.msg")

    assert parsed.text.endswith("Body\n\n## notes.txt\n\nattached words")
    assert parsed.warnings == ()


def test_an_attachment_that_cannot_be_read_is_named_with_the_reason() -> None:
    files = {"song.mp3": samples.mp3(), "old.doc": samples.legacy_doc()}
    parsed = parse(mail({**files, "ok.docx": samples.docx("Still read")}).as_bytes())

    assert "Still read" in parsed.text
    assert [message.partition(": ")[0] for message in refused(parsed)] == [
        "the attachment song.mp3 was not read",
        "the attachment old.doc was not read",
    ]
    assert "MP3" in refused(parsed)[0]


def test_warnings_of_an_attachment_name_it() -> None:
    parsed = parse(mail({"a.zip": archive({"b.json": b'{"a": 1,}'})}).as_bytes())

    assert parsed.warnings[0].message.startswith("a.zip: b.json: the JSON is not valid")


def test_an_attachment_in_the_version_of_the_body_that_is_not_read_is_read() -> None:
    message = samples.message("The same words in both")
    message.add_alternative("<p>The same words in both</p>", subtype="html")
    rich = message.get_payload()[1]  # type: ignore[index]
    assert isinstance(rich, EmailMessage)
    rich.make_mixed()
    rich.add_attachment(
        samples.docx("Words of the report"),
        maintype="application",
        subtype="octet-stream",
        filename="r.docx",
    )

    parsed = parse(message.as_bytes())

    assert parsed.text.count("The same words in both") == 1
    assert parsed.text.count("Words of the report") == 1


def test_an_attachment_that_is_too_long_does_not_cost_the_mail() -> None:
    files = {"a.dat": b"long words " * 1200, "b.dat": b"more words " * 1200}

    parsed = parse(mail(files).as_bytes(), limits=ParserLimits(100, 20_000))

    assert "See the files" in parsed.text
    assert "long words" in parsed.text
    assert len(refused(parsed)) == 1
    assert "limit of 20000 characters" in refused(parsed)[0]


def test_after_the_time_for_attachments_the_others_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attached, "MAX_SECONDS", 0.0)
    files = {"a.docx": samples.docx("First words"), "b.docx": samples.docx("Second words")}

    parsed = parse(mail(files).as_bytes())

    assert "First words" in parsed.text
    assert "Second words" not in parsed.text
    assert refused(parsed) == [
        "the attachment b.docx was not read: those before it took more than 0 seconds"
    ]


def test_documents_that_are_nested_too_deeply_are_not_read() -> None:
    data = b"Deepest words"
    name = "deepest.txt"
    for level in range(3):
        data, name = mail({"a.zip": archive({name: data})}).as_bytes(), f"{level}.eml"

    parsed = parse(data, name)

    assert parsed.text.count("See the files") == 2
    assert "Deepest words" not in parsed.text
    assert any("nested more than 3 deep" in warning.message for warning in parsed.warnings)


def test_pictures_of_the_body_are_named_and_attached_pictures_are_recognized() -> None:
    message = samples.message("Body")
    picture = scans.pdf(scans.page())
    message.add_attachment(picture, maintype="application", subtype="pdf", filename="scan.pdf")
    logo = b"\x89PNG\r\n\x1a\n" + bytes(40)
    message.add_attachment(
        logo,
        maintype="image",
        subtype="png",
        filename="logo.png",
        cid="<1@x>",
        disposition="inline",
    )

    parsed = parse(message.as_bytes())

    assert scans.WORDS in parsed.text
    assert refused(parsed) == ["the attachment logo.png was not read: it is a picture in the body"]


def test_the_limits_of_recognition_hold_for_all_attachments_together() -> None:
    scan = scans.pdf(scans.page())
    limits = ParserLimits(100, 1_000_000, OcrOptions(max_pages=1))
    begun: list[int] = []

    parsed = parse_document(
        mail({"a.pdf": scan, "b.pdf": scan}).as_bytes(),
        filename="x.eml",
        limits=limits,
        before_recognition=lambda: begun.append(1),
    )

    assert parsed.text.count(scans.WORDS) == 1
    assert begun == [1]
    assert "over 1 pages" in refused(parsed)[0]
