"""Rules about names: the field's words, and one name for one thing."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ = ("ingest", "serve")
"""Folders whose Python and SQL files are read."""
PAGES = "docs"
"""The folder whose Markdown is read for retired words, too."""
RETIRED = {
    "be it": "whether … or",
    "by then": "at that time, already",
    "doorbell": "listener, notification",
    "embeds here": "embeds_by_fallback",
    "gathered": "coalesced",
    "gathering": "coalesce",
    "gatehouse": "rate limiter",
    "goes round": "repeats",
    "hand over": "submit, upload",
    "handed over": "submitted",
    "handing over": "submitting",
    "handover": "submission",
    "hands over": "submits",
    "lookout": "preflight",
    "of late": "recently",
    "parses here": "parses_by_fallback",
    "referrer": "register_references",
    "rehearsal": "demo",
    "so many": "a number, this many",
    "stopgap": "fallback",
    "story": "job report",
    "tallied": "counted",
    "tallies": "counters",
    "tally": "counter",
    "throwaway": "temporary system",
    "user id": "tenant_id",
    "vitals": "status report",
    "what is left of": "the rest of, the remaining",
}
"""Words that do not explain themselves, or that are idioms; and the words to use instead."""
SHARED_FILE_NAMES = {
    "__init__.py": "of a package",
    "__main__.py": "of a package that can be run",
    "api.py": "the HTTP API of each simulator",
    "app.py": "the root of the command line, and that of the gateway",
    "authentication.py": "its settings, and its work in the gateway",
    "backfill.py": "the command, and its part in the cluster",
    "backup.py": "the command, the work, and the manifest",
    "batch_api.py": "OpenAI's Batch API: its types, its client, its simulator",
    "chunk.py": "the stage, and the chunk itself",
    "chunking.py": "its settings, and its wiring",
    "command.py": "how a simulator or the demo is started",
    "dead_letter.py": "the command, the routes, and the filter",
    "embedding.py": "the model, its settings, its wiring, and the provider's endpoint",
    "error_mapping.py": "a provider's errors",
    "folder.py": "the source, and the error of a folder",
    "inline.py": "marks inside a paragraph, of each format",
    "jobs.py": "the commands, and the routes",
    "leases.py": "their settings, and their rows",
    "limits.py": "the command, and the routes",
    "metrics.py": "of the pipeline, and of the gateway",
    "parsing.py": "its settings, and its wiring",
    "pause.py": "the command, and the pause itself",
    "progress.py": "of an upload, and of a backfill",
    "provider_batches.py": "the port, and its wiring",
    "providers.py": "the ports, and their wiring",
    "rate_limits.py": "their settings, and those that a simulator keeps",
    "reader.py": "of each file format",
    "reprocess.py": "the work, and its values",
    "retention.py": "its settings, and its values",
    "search.py": "the command, and the route",
    "slides.py": "of each format of presentations",
    "sources.py": "the port, and its wiring",
    "storage.py": "its settings, and its wiring",
    "styles.py": "of each format of documents",
    "summary.py": "of an upload, and of a backfill",
    "tables.py": "of all formats, and those of HTML",
    "terms.py": "what a provider offers",
    "upload.py": "the command, and the work",
    "words.py": "of a PDF page, and the control words of RTF",
    "writer.py": "of each file format",
}
"""File names that occur several times, because each is the same thing at another place."""


def files(*suffixes: str) -> Iterator[Path]:
    for folder in READ:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes:
                yield path


def pattern_of(words: str) -> re.Pattern[str]:
    """Finds words in prose, over line ends, in snake_case and in CamelCase."""
    joined = r"[\s_#\"-]*".join(map(re.escape, words.split()))
    return re.compile(rf"(?<![a-z]){joined}(?![a-z])", re.IGNORECASE)


def line_of(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start()) + 1


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("hand over", "await self._hand_over(batch)"),
        ("hand over", "class HandOver: ..."),
        ("by then", "what was stored by\n    then"),
        ("story", "A job's story."),
    ],
)
def test_a_retired_word_is_found_in_every_spelling(words: str, text: str) -> None:
    assert pattern_of(words).search(text)


@pytest.mark.parametrize(
    ("words", "text"),
    [("story", "its history"), ("be it", "maybe items"), ("tally", "totally")],
)
def test_a_part_of_another_word_is_no_retired_word(words: str, text: str) -> None:
    assert not pattern_of(words).search(text)


def test_no_retired_word_is_used() -> None:
    patterns = [(pattern_of(words), words, better) for words, better in RETIRED.items()]

    found = [
        f"{path.relative_to(ROOT)}:{line_of(text, match)}: {words!r}; write: {better}"
        for path in (*files(".py", ".sql"), *sorted((ROOT / PAGES).rglob("*.md")))
        for text in (path.read_text(encoding="utf-8"),)
        for pattern, words, better in patterns
        for match in pattern.finditer(text)
    ]

    assert found == []


def test_no_class_name_is_defined_twice() -> None:
    places = defaultdict(list)
    for path in files(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(f"{path.relative_to(ROOT)}:{node.lineno}")

    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_file_name_that_occurs_twice_means_the_same_thing() -> None:
    places = defaultdict(list)
    for path in files(".py"):
        places[path.name].append(path.relative_to(ROOT).as_posix())

    assert {
        name: found
        for name, found in places.items()
        if len(found) > 1 and name not in SHARED_FILE_NAMES
    } == {}
