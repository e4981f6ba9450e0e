"""Rules about files: their size, what they name, and what is shipped."""

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("ingest", "serve", "benchmarks", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
MOST_LINES = 400
REASON = "Over 400 lines because "
MOST_FUNCTION_LINES = 60
_REGISTRY = re.compile("|".join((r"py" r"pi\.org", r"python" r"hosted", r"--(extra-)?index-url")))
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:wo" r"rk|ho" r"me|ro" r"ot|Us" r"ers)/\w")


def tracked() -> list[Path]:
    """Files under version control; without it, what a source archive holds."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name]
    return [*SOURCES, ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / "requirements.lock"]


def readable(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def test_long_files_say_why() -> None:
    long = [path for path in SOURCES if len(readable(path).splitlines()) > MOST_LINES]

    assert [
        str(path.relative_to(ROOT))
        for path in long
        if REASON not in (ast.get_docstring(ast.parse(readable(path))) or "")
    ] == []


def test_functions_are_short() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": node.end_lineno - node.lineno
        for path in SOURCES
        for node in ast.walk(ast.parse(readable(path)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno > MOST_FUNCTION_LINES
    }

    assert long == {}


def test_tests_are_no_package_that_could_hide_ours() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        for match in (
            *_REGISTRY.finditer(readable(path)),
            *_MACHINE_PATH.finditer(readable(path)),
        )
    }

    assert found == set()


def test_the_lock_pins_every_dependency_with_hashes() -> None:
    lock = readable(ROOT / "requirements.lock")
    pinned = re.findall(r"^([A-Za-z0-9._-]+(?:\[[^\]]*\])?)==\S+", lock, re.M)

    assert len(pinned) > 50
    for block in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.M)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.timeout(60)
def test_the_wheel_has_both_packages_the_migrations_and_the_docs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"ingest", "serve"}
    assert "ingest/_migrations/sql/0001_documents.up.sql" in names
    assert "ingest/_migrations/functions/jobs.sql" in names
    assert "ingest/_docs/README.md" in names
    assert "ingest/_docs/deploy.md" in names
    assert {"ingest/py.typed", "serve/py.typed"} <= names
    assert "ingest/adapters/postgres/sql/upload_jobs.sql" in names
