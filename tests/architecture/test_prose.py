"""The documentation names what exists, has one word for each thing, and uses no private words."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.architecture.generated_docs import DOCS, PAGES

ROOT = Path(__file__).parents[2]
PROSE = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted(DOCS.rglob("*.md")),
]
WRITTEN_BY_HAND = [page for page in PROSE if page.parent != DOCS or page.name not in PAGES]
WITH_PATHS = [page for page in PROSE if page.name != "CONTRIBUTING.md"]
README_WORDS = 900
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)#([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.M)
_CODE_BLOCK = re.compile(r"^```.*?^```", re.M | re.S)
_PATH = re.compile(r"`((?:ingest|serve|tests|docs|migrations|benchmarks)/[\w./-]+)`")
_TARGET = re.compile(r"(?:`|\$ )make ([a-z][a-z-]*)")
MADE = {"benchmarks/results/index.html"}
"""Written by commands, and not under version control."""
_PLACEHOLDER = re.compile(r"NAME|NNNN")
# A word of this list was private to the project; the glossary has the field's word.
RETIRED = re.compile(
    r"""(?<![\w-])(?:
        gatehouse s? | (?:parse\ )? gate s? | lookout s? | vitals | tall(?:y|ies)
        | (?:hand (?:s|ed|ing)? [\ -] over s? | handover s?)
        | referrer s? | pace s? | gathering | rehears\w* | throwaway s? | stopgap s? | doorbell s?
        | user_id | about\.py
        | (?:a|the|one)\ look | job's\ story | (?:at|on)\ the\ edge | meter s?
    )(?![\w-])""",
    re.X | re.I,
)


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = _HEADING.findall(_CODE_BLOCK.sub("", text_of(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PROSE, ids=names(PROSE))
def test_links_lead_to_headings_that_are_there(page: Path) -> None:
    missing = [
        f"{target}#{anchor}"
        for target, anchor in _LINK.findall(text_of(page))
        if "://" not in target
        and anchor not in anchors((page.parent / target).resolve() if target else page)
    ]

    assert missing == []


@pytest.mark.parametrize("page", WITH_PATHS, ids=names(WITH_PATHS))
def test_paths_in_the_text_exist(page: Path) -> None:
    named = [path for path in _PATH.findall(text_of(page)) if not _PLACEHOLDER.search(path)]

    assert [path for path in named if not (ROOT / path).exists() and path not in MADE] == []


@pytest.mark.parametrize("page", PROSE, ids=names(PROSE))
def test_make_targets_in_the_text_exist(page: Path) -> None:
    makefile = text_of(ROOT / "Makefile")

    named = set(_TARGET.findall(text_of(page)))

    assert {one for one in named if not re.search(rf"^{one}:", makefile, re.M)} == set()


@pytest.mark.parametrize("page", WRITTEN_BY_HAND, ids=names(WRITTEN_BY_HAND))
def test_no_private_words_are_used(page: Path) -> None:
    prose = re.sub(r"--hand-over", "", text_of(page))  # the name of an option

    assert [found[0] for found in RETIRED.finditer(prose)] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "The gate grants requests in turn.",
        "A batch is handed over once it is full.",
        "Before the hand-over, the parse gate decides.",
        "Triggers add to `tallies`.",
        "It halves the pace.",
        "A stopgap must not last.",
    ],
)
def test_private_words_are_recognised(sentence: str) -> None:
    assert RETIRED.search(sentence)


@pytest.mark.parametrize(
    "sentence", ["The gateway looks at the row.", "Look first, then replay.", "a parameter"]
)
def test_common_words_are_not_taken_for_private_ones(sentence: str) -> None:
    assert not RETIRED.search(sentence)


def test_the_glossary_explains_each_word_once_and_names_its_place() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text_of(DOCS / "glossary.md").splitlines()
        if line.startswith("| ") and not line.startswith(("| word", "|---"))
    ]
    words = [row[0] for row in rows]

    assert len(words) > 50
    assert [word for word, times in Counter(words).items() if times > 1] == []
    assert words == sorted(words)
    assert [
        row[0] for row in rows if len(row) != 3 or not _PATH.fullmatch(row[2].strip("| "))
    ] == []


def test_each_page_begins_with_the_question_that_it_answers() -> None:
    pages = [page for page in sorted(DOCS.glob("*.md")) if page.name != "reliability.md"]
    first = {
        page.name: re.split(r"^# .+\n\n", text_of(page), maxsplit=1, flags=re.M)[-1].split("\n\n")[
            0
        ]
        for page in pages
    }

    assert [name for name, paragraph in first.items() if "?" not in paragraph] == []


def test_the_readme_is_short() -> None:
    assert len(text_of(ROOT / "README.md").split()) <= README_WORDS
