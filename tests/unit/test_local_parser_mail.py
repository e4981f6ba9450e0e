"""Mail: all that a message says is read, and what is not read is named in a warning."""

from email.message import EmailMessage

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode
from tests import samples

LIMITS = ParserLimits(max_pages=100, max_text_chars=1_000_000)
HEAD = (
    "From: Runa <runa@example.org>\nTo: Odd <odd@example.org>\nSubject: Berth plan\n"
    "Message-ID: <1@example.org>\nMIME-Version: 1.0\n"
)


def parse(data: bytes | str, name: str = "x.eml") -> ParsedDocument:
    raw = data.encode() if isinstance(data, str) else data
    return parse_document(raw, filename=name, limits=LIMITS)


def codes(parsed: ParsedDocument) -> list[WarningCode]:
    return [warning.code for warning in parsed.warnings]


def multipart(kind: str, *parts: str) -> str:
    body = "".join(f"--B1\n{part}\n" for part in parts)
    return f"{HEAD}Content-Type: multipart/{kind}; boundary=B1\n\n{body}--B1--\n"


def plain(text: str) -> str:
    return f"Content-Type: text/plain; charset=utf-8\n\n{text}"


def html(markup: str) -> str:
    return f"Content-Type: text/html; charset=utf-8\n\n{markup}"


def test_a_forwarded_message_is_read_with_its_headers() -> None:
    inner = samples.message("Inner body about gravel")
    outer = samples.message("See below")
    outer.add_attachment(inner)

    text = parse(outer.as_bytes()).text

    assert text.index("See below") < text.index("From: Ada Registrar", 60)
    assert text.endswith("Inner body about gravel")


def test_the_messages_of_a_digest_and_the_fields_of_a_bounce_are_read() -> None:
    digest = multipart("digest", "\nSubject: One\n\nFirst words", "\nSubject: Two\n\nMore words")
    bounce = multipart(
        "report",
        plain("It did not arrive."),
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        "Final-Recipient: rfc822; odd@example.org\nDiagnostic-Code: smtp; 550 no such user",
        "Content-Type: text/rfc822-headers\n\nSubject: Lost letter",
    )

    assert "Subject: One\n\nFirst words" in parse(digest).text
    assert "More words" in parse(digest).text
    assert "Diagnostic-Code: smtp; 550 no such user" in parse(bounce).text
    assert "Lost letter" in parse(bounce).text


def test_an_encoded_forwarded_message_is_decoded() -> None:
    inner = "U3ViamVjdDogSW5uZXIKCklubmVyIHdvcmRz"

    parsed = parse(
        multipart(
            "mixed",
            plain("Top"),
            f"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{inner}",
        )
    )

    assert "Subject: Inner\n\nInner words" in parsed.text


@pytest.mark.parametrize(
    ("notice", "markup", "kept", "left"),
    [
        (
            "Your mail program does not show HTML.",
            "<p>We sent forty crates of limes and two of figs.</p>",
            "forty crates of limes",
            "Your mail program",
        ),
        (
            "Crates arrived",
            "<p>Crates arrived</p><table><tr><th>Fruit<th>n<tr><td>Limes<td>47</table>",
            "| Limes | 47 |",
            None,
        ),
        ("The same words in both", "<b>The same</b> words in both", "The same words in both", None),
    ],
)
def test_of_alternatives_the_one_that_says_more_is_read(
    notice: str, markup: str, kept: str, left: str | None
) -> None:
    parsed = parse(multipart("alternative", plain(notice), html(markup)))

    assert kept in parsed.text
    assert parsed.text.count(kept) == 1
    assert left is None or left not in parsed.text
    assert parsed.warnings == ()


def test_both_alternatives_are_read_when_each_says_much() -> None:
    one, two = (" ".join(f"{name}{n}" for n in range(30)) for name in ("gull", "seal"))

    parsed = parse(multipart("alternative", plain(one), html(f"<p>{two}</p>")))

    assert one in parsed.text
    assert two in parsed.text


def test_an_alternative_with_other_words_that_is_not_read_gives_a_warning() -> None:
    parsed = parse(multipart("alternative", plain("plain gulls here"), html("<p>rich seals</p>")))

    assert "plain gulls here" in parsed.text
    assert codes(parsed) == [WarningCode.PART_NOT_READ]


def test_text_attachments_are_read_under_their_names_and_others_are_named() -> None:
    message = samples.message("Body")
    message.add_attachment("crane: paint\n", filename="notes.txt")
    message.add_attachment(
        b"a,b\n1,2\n", maintype="application", subtype="octet-stream", filename="t.csv"
    )
    message.add_attachment(b"%PDF-1.7 x", maintype="application", subtype="pdf", filename="p.pdf")
    message.add_attachment(b"\x30\x80sig", maintype="application", subtype="pkcs7-signature")

    parsed = parse(message.as_bytes())

    assert "## notes.txt\n\ncrane: paint" in parsed.text
    assert "## t.csv\n\na,b\n1,2" in parsed.text
    assert "Attachment: p.pdf" in parsed.text
    assert codes(parsed) == [WarningCode.ATTACHMENT_NOT_READ]
    assert parsed.warnings[0].message.startswith("the attachment p.pdf was not read: the PDF")


def test_an_invitation_is_read() -> None:
    event = (
        "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\n"
        "SUMMARY:Meeting of\n  the pilots\nDTSTART;TZID=Europe/Oslo:20240604T100000\n"
        "ORGANIZER;CN=Runa:mailto:runa@example.org\nLOCATION:Custom house\\, quay 4\n"
        "UID:7\nEND:VEVENT\nEND:VCALENDAR"
    )

    text = parse(multipart("alternative", plain("You are invited."), event)).text

    assert "You are invited." in text
    assert "Summary: Meeting of the pilots\nStart: 2024-06-04 10:00" in text
    assert "Organizer: Runa <runa@example.org>\nLocation: Custom house, quay 4" in text


def test_a_body_whose_boundary_is_missing_or_wrong_is_read_with_a_warning() -> None:
    head = f"{HEAD}Content-Type: multipart/mixed; boundary=XX\n\n"
    missing = parse(f"{head}Only words about skates.\n")
    wrong = parse(f"{head}--YY\nContent-Transfer-Encoding: base64\n\nT25seSBza2F0ZXM=\n--YY--\n")

    assert "Only words about skates." in missing.text
    assert wrong.text.endswith("Only skates")
    assert codes(missing) == codes(wrong) == [WarningCode.REPAIRED]


def test_text_after_the_last_part_is_read() -> None:
    assert "List footer" in parse(multipart("mixed", plain("Body")) + "\nList footer\n").text


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("filename*=utf-8''%C3%9Cbersicht%20%E2%82%AC.pdf", "Übersicht €.pdf"),
        ("filename*0*=utf-8''%C3%9Cber;\n filename*1=sicht.pdf", "Übersicht.pdf"),
        ('filename="=?utf-8?B?w5xiZXJzaWNodC5wZGY=?="', "Übersicht.pdf"),
        ('filename="=?utf-8?Q?=C3=9Cber?=\n =?utf-8?Q?sicht.pdf?="', "Übersicht.pdf"),
        ('filename="Übersicht.pdf"', "Übersicht.pdf"),
    ],
)
def test_the_name_of_an_attachment_is_decoded(disposition: str, name: str) -> None:
    part = f"Content-Type: application/pdf\nContent-Disposition: attachment; {disposition}\n\n%PDF"

    parsed = parse(multipart("mixed", plain("Body"), part))

    assert f"Attachment: {name}" in parsed.text
    assert parsed.warnings[0].message.startswith(f"the attachment {name} was not read: ")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (b"=?iso-8859-1?Q?=93yes=94?=", "\u201cyes\u201d"),
        (b"=?utf-8?B?w5w=?=\n =?utf-8?B?YmVy?=", "Über"),
        (b"=?utf-8?B?w5xi4g==?= =?utf-8?B?gqw=?=", "Üb€"),
        ("Übersicht".encode(), "Übersicht"),
        ("Übersicht".encode("latin-1"), "Übersicht"),
        (b"=?gb2312?B?1uzpRrv5?=", "朱镕基"),
    ],
)
def test_a_subject_is_decoded(subject: bytes, expected: str) -> None:
    raw = b"Subject: " + subject + b"\nMessage-ID: <1@example.org>\n\nBody"

    assert parse(raw).text.startswith(f"Subject: {expected}\n")


def test_all_messages_of_an_mbox_are_read_and_their_quoted_lines_restored() -> None:
    envelope = "From odd@example.org Tue Jun  4 10:00:00 2024\n"
    box = (
        f"{envelope}{HEAD}\nFirst message\n\n>From the quay\nFrom here on 2024\n\n"
        f"{envelope}{HEAD}Content-Transfer-Encoding: base64\n\nU2Vjb25k\n\n"
    )

    for name in ("x.mbox", "x.eml", "x"):
        parsed = parse(box, name)
        assert "First message\n\nFrom the quay\nFrom here on 2024" in parsed.text
        assert parsed.text.endswith("Second")
        assert [h.title for h in parsed.headings] == ["Berth plan", "Berth plan"]


def test_soft_line_breaks_are_joined_and_files_in_the_text_are_named() -> None:
    flowed = f"{HEAD}Content-Type: text/plain; format=flowed\n\nOne long \nline.\nNext\n"
    uuencoded = f"{HEAD}\nBefore\nbegin 644 chart.png\n#8V%T\n`\nend\nAfter\n"

    assert "One long line.\nNext" in parse(flowed).text
    assert "Before\nAttachment: chart.png\nAfter" in parse(uuencoded).text
    assert codes(parse(uuencoded)) == [WarningCode.ATTACHMENT_NOT_READ]


@pytest.mark.parametrize(
    ("charset", "text", "encoded_as"),
    [
        ("iso-8859-1", "\u201cyes\u201d, 5 €", "cp1252"),
        ("gb2312", "朱镕基的讲话稿", "gbk"),
        ("us-ascii", "Grüße aus Köln", "utf-8"),
        ("unknown-8bit", "Grüße aus Köln", "cp1252"),
    ],
)
def test_a_body_is_decoded_as_its_charset_is_meant(
    charset: str, text: str, encoded_as: str
) -> None:
    head = f"{HEAD}Content-Type: text/plain; charset={charset}\n\n".encode()

    assert parse(head + text.encode(encoded_as)).text.endswith(text)


def test_encrypted_mail_gives_its_headers_and_a_warning() -> None:
    message = EmailMessage()
    message["Subject"] = "Sealed"
    message["Message-ID"] = "<1@example.org>"
    message.set_content(b"0\x80", maintype="application", subtype="pkcs7-mime")

    parsed = parse(message.as_bytes())

    assert parsed.text == "Subject: Sealed"
    assert codes(parsed) == [WarningCode.PART_NOT_READ]


def test_messages_nested_too_deeply_lose_only_the_deepest() -> None:
    message = samples.message("innermost")
    for _ in range(60):
        outer = samples.message("around")
        outer.add_attachment(message)
        message = outer

    parsed = parse(message.as_bytes())

    assert parsed.text.count("around") >= 10
    assert WarningCode.PART_NOT_READ in codes(parsed)


def test_the_styles_and_programs_of_a_saved_page_are_not_its_text() -> None:
    page = multipart(
        "related",
        html("<p>Words of the page</p>"),
        "Content-Type: text/css\nContent-Location: http://x/s.css\n\nbody{color:red}",
        "Content-Type: text/javascript\nContent-Location: http://x/s.js\n\nrun()",
    )

    assert parse(page, "page.mht").text.endswith("Words of the page")


def test_a_text_that_a_mailing_list_adds_to_base64_is_read_beside_the_body() -> None:
    code = "R3LDvMOfZSBhdXMgS8O2bG4="
    encoded = (
        f"{HEAD}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    )

    parsed = parse(f"{encoded}{code}\n\n-- \nThe footer of the list\n")

    assert parsed.text.endswith("Grüße aus Köln\n\n-- \nThe footer of the list")
    assert parse(f"{encoded}{code}\n").text.endswith("Grüße aus Köln")


def test_a_body_in_several_pieces_of_base64_is_read_to_its_end() -> None:
    encoded = (
        f"{HEAD}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    )

    text = parse(f"{encoded}R3LDvMOfZSA=\nYXVzIEvDtmxuIGFtIFJoZWlu\n").text

    assert text.endswith("Grüße aus Köln am Rhein")
    for short in ("QQ==", "QUI=", "QUJD", "QQ==\nQUI="):
        assert parse(f"{encoded}R3LDvMOf\n{short}\n").text.endswith(("GrüßA", "AB", "ABC"))


def test_the_line_above_a_signature_is_no_soft_line_break() -> None:
    parsed = parse(f"{HEAD}Content-Type: text/plain; format=flowed\n\nflowed \nline\n\n-- \nOdd\n")

    assert parsed.text.endswith("flowed line\n\n-- \nOdd")


def test_hidden_copies_and_repeated_fields_are_read() -> None:
    text = parse(f"{HEAD}To: sif@example.org\nBcc: eir@example.org\n\nBody").text

    assert "To: Odd <odd@example.org>, sif@example.org\nBcc: eir@example.org" in text


def test_a_part_of_a_divided_message_is_read_with_a_warning() -> None:
    parsed = parse(
        f"{HEAD}Content-Type: message/partial; id=x; number=1; total=2\n\n"
        "From: a@example.org\nSubject: Whole\n\nThe first half"
    )

    assert "The first half" in parsed.text
    assert codes(parsed) == [WarningCode.PART_NOT_READ]


def test_a_body_that_is_stored_elsewhere_gives_a_warning() -> None:
    part = (
        'Content-Type: message/external-body; access-type=URL; URL="x"\n\nContent-Type: text/plain'
    )

    assert codes(parse(multipart("mixed", plain("Body"), part))) == [WarningCode.PART_NOT_READ]


def test_a_page_that_was_sent_as_plain_text_is_read_as_a_page() -> None:
    parsed = parse(multipart("mixed", plain("<html><body><p>Ice &amp; fog</p></body></html>")))

    assert parsed.text.endswith("\n\nIce & fog")


def test_a_message_in_utf16_is_read() -> None:
    body = f"{HEAD}Content-Type: text/html\n\n<p>Ice &amp; fog in Ålesund"

    parsed = parse(body.encode("utf-16"))

    assert parsed.text.startswith("Subject: Berth plan\nFrom: Runa")
    assert parsed.text.endswith("Ice & fog in Ålesund")
