"""How many hostile requests and files the tests try, by running them."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

_TESTS = (
    "tests/integration/test_openapi_contract.py",
    "tests/integration/test_http_hostile.py",
    "tests/integration/test_http_refusals.py",
    "tests/integration/test_http_slow_uploads.py",
    "tests/unit/test_local_parser_bad_input.py",
    "tests/unit/test_local_parser_mutations.py",
    "tests/unit/test_local_parser_sandbox.py",
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What was sent to the gateway and the parsers, all of which was refused or survived."""

    by_hand: int
    """Tests of requests and files that were made to do harm."""
    generated: int
    """Requests that schemathesis made from the description of the API."""


def try_hostile_input() -> Tried:
    """Run the tests.

    Raises:
        RuntimeError: one failed.
    """
    with tempfile.TemporaryDirectory(prefix="chaos-hostile-") as folder:
        report = Path(folder) / "report.xml"
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *_TESTS],
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise RuntimeError(f"hostile input did harm: {ended.stdout[-2000:]}")
        suite = ElementTree.parse(report).getroot()  # noqa: S314 - we wrote it
    cases = suite.findall(".//property[@name='cases']")
    return Tried(
        by_hand=len(suite.findall(".//testcase")) - len(cases),
        generated=sum(int(case.get("value", "0")) for case in cases),
    )
