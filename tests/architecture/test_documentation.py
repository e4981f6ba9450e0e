"""The documentation says what the code says."""

import re
from pathlib import Path

import pytest
import yaml

from ingest.cli.app import app
from ingest.domain import errors
from ingest.domain.parse_warning import WarningCode
from ingest.settings import Settings
from tests.architecture.generated_docs import DOCS, PAGES

ROOT = Path(__file__).parents[2]
PROSE = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
CLIENT_VARIABLES = {"INGEST_URL", "INGEST_API_KEY", "INGEST_TEST_DSN"}
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_is_what_the_code_says(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")

    assert written == PAGES[name](), "run 'make docs'"


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))

    missing = [
        target
        for target in targets
        if "://" not in target and not (page.parent / target).resolve().exists()
    ]

    assert missing == []


def test_every_decision_is_in_the_list() -> None:
    records = sorted((DOCS / "adr").glob("[0-9]*.md"))[1:]
    index = (DOCS / "adr" / "0001-record-decisions.md").read_text(encoding="utf-8")
    lines = {
        f"| [{int(record.name[:4])}]({record.name}) | "
        f"{record.read_text(encoding='utf-8').splitlines()[0].partition('. ')[2]} |"
        for record in records
    }

    assert lines - set(index.splitlines()) == set()


def test_every_variable_that_is_named_exists() -> None:
    known = {f"INGEST_{name.upper()}" for name in Settings.model_fields} | CLIENT_VARIABLES
    places = [*PROSE, ROOT / "cluster.yaml", ROOT / "Makefile"]
    named = {
        (place.name, name)
        for place in places
        for name in re.findall(r"INGEST_[A-Z0-9_]*[A-Z0-9]", place.read_text(encoding="utf-8"))
    }

    assert {(place, name) for place, name in named if name not in known} == set()


def test_commands_in_the_readme_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = {
        one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands
    }
    groups = {group.name for group in app.registered_groups}

    used = set(re.findall(r"(?:\.venv/bin/|`)ingest ([a-z]+)", readme))

    assert used
    assert used - commands - groups == set()


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/development.md", ".github/workflows/ci.yml"]
)
def test_targets_of_make_exist(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:`|\$ |run: )make ([a-z-]+)", (ROOT / page).read_text("utf-8")))

    assert targets
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.M)} == set()


def test_tools_of_contributors_are_those_of_the_linters() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))

    entries = [hook["entry"] for repo in hooks["repos"] for hook in repo["hooks"]]
    assert entries
    assert [
        entry
        for entry in entries
        if entry.split()[0].replace(".venv/bin", "$(BIN)") not in makefile
    ] == []


def test_every_refusal_has_a_line_in_the_table_of_bad_input() -> None:
    page = (DOCS / "bad-input.md").read_text(encoding="utf-8")
    refusals: list[type[errors.IngestError]] = [
        *errors.classes_below("DocumentRejected"),
        *errors.classes_below("RequestRejected"),
        errors.StoreUnavailable,
    ]

    assert [refusal.code for refusal in refusals if f"`{refusal.code}`" not in page] == []


def test_every_warning_has_a_line_that_says_what_to_do() -> None:
    page = (DOCS / "warnings.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", page, re.M)

    assert rows == [code.value for code in WarningCode]


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert "## [Unreleased]" in changelog
