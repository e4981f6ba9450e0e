"""What the code imports is what the project says it needs."""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OWN = {"ingest", "serve", "migrations", "benchmarks", "tests"}


def names(requirements: Iterable[str]) -> set[str]:
    """The distributions that requirements name, as PEP 503 writes them."""
    found = (re.match(r"[\w.-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", match.group()).lower() for match in found if match}


Declared = Callable[[Path], set[str]]
NEEDED = names(PROJECT["dependencies"])
EXTRAS = {extra: names(named) for extra, named in PROJECT["optional-dependencies"].items()}
FOLDERS = {
    "demo": "ingest/demo",
    "minilm": "ingest/adapters/embedders/minilm",
    "ocr": "ingest/adapters/parsers/local/ocr",
}
"""What an extra is for, and nothing else may import."""
WITH_EXTRAS = NEEDED.union(*EXTRAS.values())


def for_users(path: Path) -> set[str]:
    """What is installed with the product; its demo and a local model have extras of their own."""
    for extra, folder in FOLDERS.items():
        if path.is_relative_to(ROOT / folder):
            return NEEDED | EXTRAS[extra]
    return NEEDED


def for_contributors(path: Path) -> set[str]:
    """What is installed where tests and benchmarks run."""
    return WITH_EXTRAS


def imported(path: Path) -> set[str]:
    """The first names of all modules that a file imports, at its top or later."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - OWN


def undeclared(folders: Iterable[str], declared: Declared) -> dict[str, str]:
    """Imports of packages that are not declared, each with a file that has it."""
    distributions = packages_distributions()
    plugins = {path.stem for path in (ROOT / "tests/plugins").glob("*.py")}
    return {
        module: str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for module in imported(path) - plugins
        if not names(distributions.get(module, [module])) & declared(path)
    }


@pytest.mark.parametrize(
    ("folders", "declared"),
    [
        (("ingest", "serve", "migrations"), for_users),
        (("tests", "benchmarks"), for_contributors),
    ],
    ids=["product", "tests"],
)
def test_every_import_is_a_dependency_of_the_project(
    folders: tuple[str, ...], declared: Declared
) -> None:
    assert undeclared(folders, declared) == {}


def test_every_dependency_is_locked() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = names(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))

    assert WITH_EXTRAS - {"ingest"} - locked == set()
