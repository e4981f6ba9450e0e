"""A format that is not there yet is added, and everything that depends on formats knows it.

Whoever adds a file format takes three steps, and changes no other file of the product:

1. ``ingest/domain/media_type.py``: its media type in ``MediaType``, its extensions in
   ``EXTENSIONS``, and how its content is recognised: a mark at the start in ``_TEXT_MAGIC``, or
   for text without one a row in ``_TEXTS``;
2. ``ingest/adapters/parsers/local/formats/<name>.py``: its reader, which writes into a ``Draft``;
3. ``ingest/adapters/parsers/local/extract.py``: the row that gives the media type its reader.

This file takes the same three steps for a format called Tidelog, and then goes the ways that a
real one goes. Whatever format the product has must have all three, which the last tests look at.
"""

import importlib
import pkgutil
from enum import StrEnum
from pathlib import Path
from typing import cast

import pytest

from ingest.adapters.parsers.local import extract, formats
from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.cli.uploads.select_files import select
from ingest.domain import chunk_context, media_type
from ingest.domain.media_type import EXTENSIONS, PICTURES, MediaType, detect, guess, sniff
from ingest.domain.parse_warning import ParseWarning, WarningCode
from tests import samples
from tests.format_samples import archive

LIMITS = ParserLimits(max_pages=10, max_text_chars=1_000_000)
CONTENT = b"TIDELOG 1\nstation=Ribe\n06:10 high\n??\n"


# 1. The media type: a value that an enumeration with one more member would have.
class Added(StrEnum):
    """The added member."""

    TIDELOG = "text/x-tidelog"


TIDELOG = cast("MediaType", Added.TIDELOG)


# 2. The reader.
def parse_tidelog(data: bytes, draft: Draft) -> None:
    """Read a log of tides: its station is the heading."""
    _, station, *lines = data.decode().splitlines()
    draft.add_heading(1, station.removeprefix("station="))
    known = [line for line in lines if line != "??"]
    if len(known) < len(lines):
        draft.warn(WarningCode.TEXT_CUT, "1 line of the log is not known")
    draft.add("\n".join(known))


@pytest.fixture
def tidelog(monkeypatch: pytest.MonkeyPatch) -> MediaType:
    monkeypatch.setitem(EXTENSIONS, ".tide", TIDELOG)
    magic = (*media_type._TEXT_MAGIC, (b"TIDELOG", TIDELOG))
    monkeypatch.setattr(media_type, "_TEXT_MAGIC", magic)
    # 3. The row.
    monkeypatch.setitem(extract._READERS, TIDELOG, parse_tidelog)
    return TIDELOG


def test_without_its_rows_nobody_knows_it() -> None:
    assert sniff(CONTENT, filename="ribe.tide") is MediaType.TEXT


def test_the_gateway_knows_it_by_its_content_and_its_name(tidelog: MediaType) -> None:
    assert guess("ribe.tide") is tidelog
    assert sniff(CONTENT, filename="no extension") is tidelog
    assert detect(CONTENT, filename="ribe.txt") is tidelog


@pytest.mark.usefixtures("tidelog")
def test_the_parser_gives_its_text_headings_and_warnings() -> None:
    parsed = extract.parse_document(CONTENT, filename="ribe.tide", limits=LIMITS)

    assert parsed.text == "# Ribe\n\n06:10 high"
    assert [heading.title for heading in parsed.headings] == ["Ribe"]
    assert parsed.warnings == (
        ParseWarning(WarningCode.TEXT_CUT, "1 line of the log is not known"),
    )


@pytest.mark.usefixtures("tidelog")
def test_archives_read_it_and_folders_take_it(tmp_path: Path) -> None:
    (tmp_path / "ribe.tide").write_bytes(CONTENT)
    data = archive({"logs/ribe.tide": CONTENT})

    parsed = extract.parse_document(data, filename="logs.zip", limits=LIMITS)

    assert parsed.text == "# logs/ribe.tide\n\n## Ribe\n\n06:10 high"
    assert [file.relative for file in select([str(tmp_path)]).files] == ["ribe.tide"]


@pytest.mark.usefixtures("tidelog")
def test_the_title_of_a_document_has_no_extension_of_it() -> None:
    assert chunk_context.title_of("ribe_harbour.tide") == "ribe harbour"


def test_each_media_type_has_an_extension_a_reader_and_a_sample() -> None:
    readers = extract._READERS.keys() | extract._ARCHIVE_READERS.keys()
    sampled = {EXTENSIONS[f".{name.rpartition('.')[2]}"] for name, _ in samples.one_of_each("x")}

    assert readers == set(EXTENSIONS.values()) == set(MediaType)
    assert sampled == set(MediaType) - PICTURES - {MediaType.MBOX}  # they have tests of their own


def test_each_extension_is_named_in_the_documentation() -> None:
    page = Path("docs/documents.md").read_text()

    assert [extension for extension in EXTENSIONS if f"`{extension}`" not in page] == []


def test_readers_load_no_heavy_library_before_they_need_it() -> None:
    for found in pkgutil.walk_packages(formats.__path__, f"{formats.__name__}."):
        names = vars(importlib.import_module(found.name))
        assert not names.keys() & {"kreuzberg", "xlrd", "olefile", "charset_normalizer"}, found.name
