"""What a process writes to its log: JSON lines, or plain words for a person."""

import json
import subprocess
import sys

WRITES = """
import logging, sys
from ingest import logs

logs.configure("INFO", for_people=sys.argv[1] == "people")
log = logs.get("here")
log.info("begun", files=3)
log.warning("object not taken", uri="a\\x1b[31m.md", code="document_empty")
try:
    raise ValueError("torn\\x07")
except ValueError:
    log.exception("call failed")
logging.getLogger("library").warning("of another")
"""


def written(whom: str) -> list[str]:
    ended = subprocess.run(
        [sys.executable, "-c", WRITES, whom], capture_output=True, text=True, check=True
    )
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_programs_get_json_lines() -> None:
    lines = [json.loads(line) for line in written("programs")]

    assert [line["event"] for line in lines] == [
        "begun", "object not taken", "call failed", "of another",
    ]  # fmt: skip
    assert lines[1]["uri"] == "a\x1b[31m.md"
    assert "Traceback" in lines[2]["exception"]
    assert all(line["timestamp"] for line in lines)


def test_people_get_warnings_in_plain_words() -> None:
    lines = written("people")

    assert lines[0] == "warning: object not taken (uri a\ufffd[31m.md, code document_empty)"
    assert lines[1] == "error: call failed"
    assert lines[2].startswith("Traceback")
    assert lines[-2:] == ["ValueError: torn\ufffd", "warning: of another"]
