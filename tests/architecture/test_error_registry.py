"""Every process knows every error, whatever part of the code it has loaded.

What the registry must hold is read from the source here, not from the classes that this process
happens to have imported: an error that only one process imports was once unknown to the others.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ingest.domain import errors

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ingest" / "domain" / "errors"
ENTRY_POINTS = [
    "serve.ray_app",
    "serve.app",
    "ingest.cli.app",
    "ingest.cluster.actors",
    "ingest.cli.backfills.run_backfill",
]
BASES = ["IngestError", "DocumentRejected", "RequestRejected", "TransientError", "ProviderRefused"]
_PROBE = """
import importlib, json, sys
entry, bases, codes = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
importlib.import_module(entry)
from ingest.domain.dead_letter import DeadLetterQuery
from ingest.domain.errors import of_code
print(json.dumps({
    "below": {base: DeadLetterQuery(error_class=base).classes for base in bases},
    "codes": {code: type(of_code(code, "what happened")).__name__ for code in codes},
}))
"""


@dataclass(frozen=True)
class Declared:
    """An error as the source declares it."""

    file: Path
    bases: tuple[str, ...]
    code: str | None


@cache
def declared() -> dict[str, Declared]:
    """Each class of the product below IngestError, by its name."""
    classes = {name: found for path in _sources() for name, found in _classes(path)}
    errors = {"IngestError": classes["IngestError"]}
    while new := {
        name: found
        for name, found in classes.items()
        if name not in errors and not errors.keys().isdisjoint(found.bases)
    }:
        errors |= new
    return errors


def _sources() -> Iterator[Path]:
    for package in ("ingest", "serve"):
        yield from sorted((ROOT / package).rglob("*.py"))


def _classes(path: Path) -> Iterator[tuple[str, Declared]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            bases = tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases)
            yield node.name, Declared(path, bases, _code(node))


def _code(node: ast.ClassDef) -> str | None:
    for line in node.body:
        match line:
            case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))):
                return code
            case ast.AnnAssign(target=ast.Name(id="code"), value=ast.Constant(value=str(code))):
                return code
    return None


def below(base: str) -> list[str]:
    """Names of an error and of those below it, as the source declares them."""
    found = {base}
    while new := {
        name
        for name, error in declared().items()
        if name not in found and not found.isdisjoint(error.bases)
    }:
        found |= new
    return sorted(found)


@pytest.mark.parametrize("entry", ENTRY_POINTS)
def test_a_fresh_process_knows_every_error_by_class_and_by_code(entry: str) -> None:
    by_code = {error.code: name for name, error in declared().items() if error.code}
    arguments = [json.dumps(BASES), json.dumps(sorted(by_code))]

    ended = subprocess.run(
        [sys.executable, "-c", _PROBE, entry, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )

    known: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    assert {base: sorted(set(below(base)) ^ set(known["below"][base])) for base in BASES} == {
        base: [] for base in BASES
    }
    assert known["codes"] == by_code


def test_errors_are_declared_in_their_package_only() -> None:
    elsewhere = {name for name, error in declared().items() if error.file.parent != PACKAGE}

    assert elsewhere == set()


def test_every_error_is_in_the_registry_and_exported() -> None:
    registered = {error.__name__ for error in errors.CODES.values()}

    assert declared().keys() - registered == set()
    assert declared().keys() - set(errors.__all__) == set()


def test_every_error_has_a_code_that_no_other_has() -> None:
    codes = [error.code for error in declared().values()]

    assert [name for name, error in declared().items() if error.code is None] == []
    assert [code for code in codes if codes.count(code) > 1] == []


def test_errors_that_only_sql_writes_are_in_the_registry() -> None:
    written = re.compile(r"'class',\s*'(\w+)',\s*'code',\s*'(\w+)'")
    statements = [
        path.read_text(encoding="utf-8")
        for folder in ("ingest", "migrations")
        for path in (ROOT / folder).rglob("*.sql")
    ]
    found = {pair for text in statements for pair in written.findall(text)}

    assert ("WaitExpired", "wait_expired") in found
    assert found == {(errors.CODES[code].__name__, code) for _, code in found}


def test_no_code_asks_which_errors_happen_to_be_loaded() -> None:
    asking = [str(path) for path in _sources() if "__subclasses__" in path.read_text("utf-8")]

    assert asking == []
