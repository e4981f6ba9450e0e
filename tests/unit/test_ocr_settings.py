"""The settings of recognition reach the parser, and stand back where a provider reads scans."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.settings import Settings
from ingest.wiring.parsing import ocr_options


def test_the_defaults_of_the_settings_are_those_of_the_parser() -> None:
    assert ocr_options(Settings()) == OcrOptions()


def test_every_setting_reaches_the_child_process() -> None:
    settings = Settings(
        ocr_languages="eng,deu+jpn",
        ocr_tessdata=Path("/models"),
        ocr_least_confidence=70,
        ocr_dpi=300,
        ocr_max_pages=7,
        ocr_page_seconds=8,
        ocr_document_seconds=9,
    )
    expected = OcrOptions(True, ("eng", "deu", "jpn"), "/models", 70, 300, 7, 8, 9)

    assert OcrOptions.from_json(ocr_options(settings).to_json()) == expected


def test_nothing_is_recognized_here_when_it_is_off_or_a_provider_reads_scans() -> None:
    off = Settings(ocr="off")
    provider = Settings(parser="auto", llamaparse_api_keys=SecretStr("llx-1"))

    assert not ocr_options(off).on
    assert not ocr_options(provider).on


@pytest.mark.parametrize("languages", ["../eng", "eng;deu", "eng,", ""])
def test_languages_are_names_of_models(languages: str) -> None:
    with pytest.raises(ValidationError, match=r"INGEST_OCR_LANGUAGES|ocr_languages"):
        Settings(ocr_languages=languages)
