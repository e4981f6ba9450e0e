# ruff: noqa: RUF001 letters of other scripts are the subject
"""Charsets: what a file declares means what it means on the web; else the guess is named."""

import pytest

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode

LIMITS = ParserLimits(max_pages=100, max_text_chars=1_000_000)
GERMAN = "Kühlraum für Äpfel: die Bücherei öffnet später, Grüße an alle Fußgänger der Straße."
RUSSIAN = "Журнал маяка: рыбаки вышли в море рано утром и вернутся вечером."
CHINESE = "本协议由甲方与乙方签订，港口办公室把账簿存放在左边的第二个房间里。"
JAPANESE = "港の事務所は左側の二番目の部屋に台帳を保管しています。"
KOREAN = "항만 사무소는 왼쪽 두 번째 방에 장부를 보관합니다. 어부들은 아침 일찍 나갑니다."
TURKISH = "Işıklar söndü, gemiler açığa çıktı; şimdi çığlık atan martılar güneşi bekliyor."


def parse(name: str, data: bytes) -> ParsedDocument:
    return parse_document(data, filename=name, limits=LIMITS)


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        (GERMAN, "cp437"),
        (GERMAN, "cp850"),
        (GERMAN, "mac_roman"),
        (RUSSIAN, "cp866"),
        (RUSSIAN, "iso8859_5"),
        (RUSSIAN, "mac_cyrillic"),
        (TURKISH, "cp1254"),
        ("ท่าเรือเก็บบันทึกไว้ในห้องที่สองทางซ้าย", "cp874"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy, říká správce.", "iso8859_2"),
        (JAPANESE, "iso2022_jp"),
        (KOREAN, "iso2022_kr"),
        (KOREAN, "cp949"),
        ("港口辦公室把帳簿存放在左邊的第二個房間裡。漁民們清晨出海。", "big5"),
        (CHINESE, "utf-16-le"),
        (CHINESE, "utf-16-be"),
        (JAPANESE, "utf-16-be"),
        (KOREAN, "utf-16-le"),
        (RUSSIAN, "utf-16-le"),
        ("It’s a café.", "cp1252"),
        ("25 °C ± 2", "cp1252"),
    ],
)
def test_an_undeclared_charset_is_guessed_with_a_warning_that_names_it(
    text: str, charset: str
) -> None:
    parsed = parse("x.txt", text.encode(charset))

    assert parsed.text == text
    assert [w.code for w in parsed.warnings] == [WarningCode.CHARSET_GUESSED]
    assert "was guessed to be" in parsed.warnings[0].message


@pytest.mark.parametrize("text", ["only ASCII", GERMAN, CHINESE])
def test_utf8_needs_no_guess(text: str) -> None:
    assert parse("x.txt", text.encode()).warnings == ()
    assert parse("x.txt", text.encode("utf-8-sig")).warnings == ()
    assert parse("x.txt", text.encode("utf-16")).warnings == ()


@pytest.mark.parametrize(
    ("declared", "text", "charset"),
    [
        ("iso-8859-1", "“yes”, 5 €", "cp1252"),
        ("us-ascii", "“yes”, 5 €", "cp1252"),
        ("iso-8859-9", "Işıklar 5 €", "cp1254"),
        ("gb2312", "朱镛基的讲话稿", "gbk"),
        ("shift_jis", "①番 髙橋", "cp932"),
        ("x-sjis", "①番 髙橋", "cp932"),
        ("euc-kr", "항만 관리 똠방각하", "cp949"),
        ("ks_c_5601-1987", "항만 관리", "cp949"),
        ("tis-620", "ท่าเรือ", "cp874"),
        ("iso-2022-jp", "潮汐表", "iso2022_jp"),
        ("utf-16", "Größe und Übergänge", "utf-8"),
        ("iso-8859-1", "Größe und Übergänge", "utf-8"),
        ("latin-nonsense", "Größe und Übergänge", "utf-8"),
    ],
)
def test_a_declared_charset_means_what_browsers_take_it_for(
    declared: str, text: str, charset: str
) -> None:
    page = f"<html><head><meta charset={declared}></head><p>{text}</p></html>".encode(charset)
    xml = f"<?xml version='1.0' encoding='{declared}'?><html><p>{text}</p></html>".encode(charset)

    assert parse("x.html", page).text == text
    assert parse("x.html", page).warnings == ()
    assert parse("x.html", xml).text == text


def test_a_declared_charset_that_cannot_decode_loses_to_one_that_can() -> None:
    page = f"<html><head><meta charset='utf-8'></head><p>{RUSSIAN}</p></html>"

    parsed = parse("x.html", page.encode("cp1251"))

    assert parsed.text == RUSSIAN
    assert "cp1251" in parsed.warnings[0].message.replace("windows-", "cp")


def test_a_damaged_character_does_not_change_the_declared_charset() -> None:
    page = f"<html><head><meta charset='shift_jis'></head><p>{JAPANESE * 9}</p></html>"

    parsed = parse("x.html", page.encode("cp932").replace(b"</p>", b"\x82 </p>"))

    assert parsed.text.startswith(JAPANESE * 9)
    assert [w.code for w in parsed.warnings] == [WarningCode.CHARACTERS_UNREADABLE]


def test_xml_and_source_code_name_their_charset() -> None:
    xml = "<?xml version='1.0' encoding='iso-8859-2'?>\n<note>Žluťoučký kůň</note>"
    code = "#!/bin/sh\n# -*- coding: iso-8859-7 -*-\n# Λιμάνι\n"

    assert parse("x.xml", xml.encode("iso-8859-2")).text == "Žluťoučký kůň"
    assert parse("x.py", code.encode("iso-8859-7")).text == code.strip()
    assert parse("x.py", code.encode("iso-8859-7")).warnings == ()


def test_lines_of_windows_1252_among_lines_of_utf_8_are_read_and_said() -> None:
    lines = ["Größe der Fähre", "Übergang am Kai"] * 3
    data = "\n".join(lines).encode() + "\nSão Paulo – café d’Étretat".encode("cp1252")

    parsed = parse("x.txt", data)

    assert parsed.text.split("\n")[0] == lines[0]
    assert parsed.text.split("\n")[-1] == "São Paulo – café d’Étretat"
    assert [warning.code for warning in parsed.warnings] == [WarningCode.CHARSET_GUESSED]
    assert "utf-8 with windows-1252" in parsed.warnings[0].message


def test_a_character_that_lost_its_end_is_no_letter_of_windows_1252() -> None:
    data = ("Größe der Fähre am Kai, Übergang " * 3).encode()
    cut = data.replace("Ü".encode(), "Ü".encode()[:1], 1)

    parsed = parse("x.txt", cut)

    assert "\N{REPLACEMENT CHARACTER}bergang" in parsed.text
    assert [warning.code for warning in parsed.warnings] == [WarningCode.CHARACTERS_UNREADABLE]
