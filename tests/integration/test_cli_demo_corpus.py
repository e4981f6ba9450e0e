"""The demo's documents, read back by the parser that the demo uses."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.adapters.parsers.local import LocalParser
from ingest.demo import corpus, harbour_files
from ingest.domain.errors import ConfigurationError
from ingest.domain.media_type import EXTENSIONS, guess
from tests import samples

SOURCE = """\
# Handbook of tides

A <tide> comes & goes → twice a day.

## Who measures

1. The keeper.
2. The ferry:
   - at dawn
   - at dusk

| Place | Height |
|---|---|
| East quay | 3.1 m |

```text
┌───┐ gauge
└───┘ reading = 42
```
"""
FORMATS = [".md", ".html", ".docx", ".pdf"]


def four_sources(folder: Path) -> list[Path]:
    folder.mkdir()
    sources = [folder / f"part{number}.md" for number in range(4)]
    for source in sources:
        source.write_text(SOURCE, encoding="utf-8")
    return sources


async def test_every_format_keeps_the_text_and_the_headings(tmp_path: Path) -> None:
    written = corpus.render(tmp_path / "out", four_sources(tmp_path / "docs"))
    parser = LocalParser(
        max_pages=100,
        max_text_chars=1_000_000,
        timeout=timedelta(seconds=60),
        memory_bytes=2 * 1024**3,
    )
    try:
        parsed = [
            await parser.parse(
                path.read_bytes(), filename=path.name, media_type=EXTENSIONS[path.suffix]
            )
            for path in written
        ]
    finally:
        await parser.close()

    assert [path.suffix for path in written] == FORMATS
    for document in parsed:
        words = " ".join(document.text.split())
        for said in ("comes & goes", "twice a day", "The keeper", "at dusk", "East quay", "3.1 m"):
            assert said in words, (document.parser, said)
        assert "reading = 42" in words
        assert [h.title for h in document.headings] == ["Handbook of tides", "Who measures"]


def test_documents_of_different_folders_keep_different_names(tmp_path: Path) -> None:
    sources = [tmp_path / "docs" / "index.md", tmp_path / "docs" / "adr" / "index.md"]
    for source in sources:
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text("# Index")

    written = corpus.render(tmp_path / "out", sources)

    assert [path.name for path in written] == ["index.md", "adr-index.html"]


def test_an_empty_document_is_no_obstacle(tmp_path: Path) -> None:
    sources = four_sources(tmp_path / "docs")
    for source in sources:
        source.write_text("")

    assert len(corpus.render(tmp_path / "out", sources)) == 4


def test_the_sources_are_this_projects_documentation() -> None:
    names = [path.name for path in corpus.sources()]

    assert "CHANGELOG.md" in names
    assert len(names) == len(set(corpus.sources()))


def test_a_missing_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docx", None)
    monkeypatch.delitem(sys.modules, "ingest.demo.word", raising=False)

    with pytest.raises(ConfigurationError, match=r"install the extra 'demo'"):
        corpus.render(tmp_path / "out", four_sources(tmp_path / "docs"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ferry timetable.pdf", "| Guillemot | 19:45 | 21:00 | Saturday and Sunday |"),
        ("delivery note (scan).pdf", "Received by the keeper, Solveig Aasen."),
        ("order for the pilot boat.eml", "The pilot boat needs 40 m of hemp rope"),
        ("annai.pdf", "潮位表は毎年港湾局が発行します。"),
    ],
)
async def test_the_files_that_are_hard_to_read_are_read(
    tmp_path: Path, name: str, text: str
) -> None:
    written = {path.name: path for path in harbour_files.write_harbour_files(tmp_path)}
    parser = samples.local_parser()
    try:
        parsed = await parser.parse(
            written[name].read_bytes(), filename=name, media_type=guess(name)
        )
    finally:
        await parser.close()

    assert text in parsed.text
