"""How commands end: exit codes, one line for an error, and nothing heavy on the way."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from ingest.adapters.embedders.minilm import package
from ingest.cli.app import app
from ingest.cli.checks import components
from ingest.cli.checks.findings import broken
from ingest.settings import Settings
from tests.integration.cli_system import clean_environment, ingest

COMMAND = [sys.executable, "-m", "ingest"]
HEAVY = {"ray", "pyarrow", "numpy", "asyncpg", "sqlalchemy", "httpx", "pydantic_settings"}


def a_closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=clean_environment(**variables), capture_output=True, text=True
    )


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import json, sys; from ingest.cli import main; main(['--help']); "
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script], env=clean_environment(), capture_output=True, text=True
    )

    assert "upload" in ended.stdout
    assert HEAVY.isdisjoint(json.loads(ended.stderr))


@pytest.mark.parametrize(
    "command",
    [
        ["demo"],
        ["up"],
        ["down"],
        ["status"],
        ["doctor"],
        ["upload"],
        ["search"],
        ["delete"],
        ["jobs"],
        ["why"],
        ["retry"],
        ["cancel"],
        ["migrate"],
        ["keys", "create"],
        ["keys", "list"],
        ["keys", "revoke"],
    ],
    ids=" ".join,
)
def test_every_command_explains_itself_in_80_columns_and_offers_json(command: list[str]) -> None:
    outcome = ingest(*command, "--help")

    assert outcome.code == 0
    assert "--json" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def all_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from all_commands(child, (*path, name))


@pytest.mark.parametrize("command", [*all_commands(typer.main.get_command(app))], ids=" ".join)
def test_no_help_text_shows_types_of_python(command: tuple[str, ...]) -> None:
    outcome = ingest(*command, "--help")

    assert outcome.code == 0
    assert re.findall(r"<[a-z%][^>\n]*>|list\[|%Y", outcome.out) == []


def test_version_and_no_command_at_all_are_fine() -> None:
    version = run("--version")
    nothing = run()

    assert (version.returncode, version.stdout) == (0, "ingest 0.1.0\n")
    assert nothing.returncode == 0
    assert "Usage: ingest" in nothing.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["jobs", "--state", "broken"], "'--state'"),
        (["upload"], "PATH"),
        (["upload", "/nowhere/at/all"], "there is no file or folder '/nowhere/at/all'"),
        (["upload", "/nowhere/*.txt"], "no file matches '/nowhere/*.txt'"),
        (["search", "x", "-k", "0"], "-k"),
        (["why", "1234"], "Invalid value for 'JOB': '1234' must be a UUID, e.g. 0b7c"),
        (["jobs", "--state", "quued"], "'quued' is not one of 'queued', "),
        (["jobs", "--state", "quued"], "; did you mean queued?"),
        (["jobs", "--limit", "0"], "Invalid value for '--limit': '0' must be at least 1"),
        (["jobs", "--limit", "x"], "Invalid value for '--limit': 'x' must be a whole number"),
        (["keys", "create", "--expires", "x"], "'x' must be a date, e.g. 2026-01-31"),
        (["jobs", "--url", "ftp://somewhere"], "is not an http:// or https:// URL"),
        (["migrate", "--down"], "add --yes"),
        (["migrate", "--revision", "9999"], "--revision must be one of 0001"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], told: str) -> None:
    outcome = ingest(*arguments)

    assert outcome.code == 2
    assert outcome.out == ""
    [line] = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert told in line


def test_a_system_that_is_not_there_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Tides.")
    url = f"http://127.0.0.1:{a_closed_port()}"

    for arguments in (["status"], ["jobs"], ["search", "x"], ["upload", str(tmp_path)]):
        ended = ingest(*arguments, "--url", url)

        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(f"error: nothing answers at {url}; 'ingest up' starts")
        assert len(ended.err.splitlines()) == 1


def test_something_else_that_answers_is_no_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as stranger:
        assert stranger.stdout is not None
        port = stranger.stdout.readline().split()[5]
        outcome = ingest("jobs", "--url", f"http://127.0.0.1:{port}")
        stranger.terminate()

    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert len(outcome.err.splitlines()) == 1


def test_wrong_settings_are_named_all_at_once(tmp_path: Path) -> None:
    outcome = ingest("up", INGEST_PORT="99999", INGEST_WAVE_JOBS="0")

    assert outcome.code == 2
    assert sorted(outcome.err.splitlines()) == [
        "error: INGEST_PORT is '99999'; it must be at most 65535",
        "error: INGEST_WAVE_JOBS is '0'; it must be at least 1",
    ]


@pytest.mark.parametrize(
    "command", [["up"], ["up", "--detach"], ["backfill", "."], ["backfill", ".", "--dry-run"]]
)
def test_what_the_settings_tell_stops_a_start_before_anything_is_started(
    tmp_path: Path, command: list[str]
) -> None:
    state = tmp_path / "state"
    outcome = ingest(
        *command,
        INGEST_STATE_DIR=str(state),
        INGEST_EMBEDDER="openai",
        INGEST_OPENAI_MODEL="text-embedding-3-smal",
        INGEST_OPENAI_API_KEY_FILE=str(tmp_path / "keys"),
        INGEST_NEXT_MODEL="nomic-embed-text",
        INGEST_BLOB_URL="blobs",
    )

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [
        "error: INGEST_OPENAI_MODEL is 'text-embedding-3-smal'; it must be text-embedding-3-small "
        "or text-embedding-3-large; did you mean text-embedding-3-small?",
        "error: INGEST_NEXT_MODEL is 'nomic-embed-text'; it must be text-embedding-3-small or "
        "text-embedding-3-large or wordllama or minilm or local",
        "error: INGEST_BLOB_URL is 'blobs'; it must be file:///folder or s3://bucket/prefix",
        f"error: INGEST_OPENAI_API_KEY_FILE is {str(tmp_path / 'keys')!r}; this file cannot be "
        "read (No such file or directory); correct the path or its rights",
    ]
    assert not state.exists()


@pytest.mark.parametrize(
    "variables",
    [
        {"INGEST_LOCAL_MODEL": "minilm"},
        {"INGEST_NEXT_MODEL": "minilm"},
        {
            "INGEST_EMBEDDER": "openai",
            "INGEST_OPENAI_API_KEYS": "x",
            "INGEST_FALLBACK": "degrade",
            "INGEST_LOCAL_MODEL": "minilm",
        },
    ],
    ids=["local", "next", "fallback"],
)
def test_a_local_model_that_is_not_installed_stops_the_start_and_doctor_says_so(
    tmp_path: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "_NEEDED", ("onnxruntime", "onnxruntime_of_nobody"))
    state = tmp_path / "state"

    outcome = ingest("up", INGEST_STATE_DIR=str(state), **variables)
    findings = components.embedder(Settings(**in_lower_case(variables)))

    missing = "the local model minilm needs packages that are not installed (onnxruntime_of_nobody)"
    remedy = "pip install 'ingest[minilm]'"
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines() == [f"error: {missing}: {remedy}"]
    assert not state.exists()
    assert broken("embedder", missing, remedy) in findings


def in_lower_case(variables: dict[str, str]) -> dict[str, Any]:
    """The fields of the settings that variables stand for."""
    return {name.removeprefix("INGEST_").lower(): value for name, value in variables.items()}


def test_doctor_finds_what_would_stop_a_start(tmp_path: Path) -> None:
    outcome = ingest(
        "doctor",
        "--json",
        INGEST_STATE_DIR=str(tmp_path / "state"),
        INGEST_EMBEDDER="openai",
        INGEST_OPENAI_API_KEYS="x",
        INGEST_OPENAI_MODEL="nomic-embed-text",
    )

    failed = [one["text"] for one in outcome.json() if one["level"] == "FAIL"]
    assert outcome.code == 1
    assert failed[0].startswith("INGEST_OPENAI_MODEL is 'nomic-embed-text'; it must be")


def test_the_demo_starts_nothing_with_wrong_settings() -> None:
    outcome = ingest("demo", INGEST_CHUNK_TOKENS="20", INGEST_CHUNK_OVERLAP_TOKENS="30")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "error: INGEST_CHUNK_OVERLAP_TOKENS is 30; it must be at most half of "
        "INGEST_CHUNK_TOKENS, which is 20\n"
    )


@pytest.mark.parametrize("command", [["up"], ["backfill", "."]])
def test_a_state_folder_that_is_a_file_is_named(tmp_path: Path, command: list[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    outcome = ingest(*command, INGEST_STATE_DIR=str(file))

    assert outcome.code == 2
    assert outcome.err == (
        f"error: INGEST_STATE_DIR is {str(file)!r}, which is not writable (Not a directory); "
        "name another folder, or make it writable\n"
    )


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "w") as nobody:
        ended = subprocess.run(
            [*COMMAND, "--help"],
            env=clean_environment(),
            stdout=nobody,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert "Traceback" not in ended.stderr


def test_traceback_shows_where_an_error_comes_from() -> None:
    outcome = ingest("--traceback", "upload", "/nowhere")

    assert outcome.code == 2
    assert "Traceback" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("error: there is no file or folder")
