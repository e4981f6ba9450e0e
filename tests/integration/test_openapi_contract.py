"""The API does what its OpenAPI description says, whatever is sent: by schemathesis, over HTTP."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serve.authorization import NEEDED
from tests.integration.gateway import Running, bury, publish, upload

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]
SEED = 1
MAX_EXAMPLES = 12
"""Of each operation in each phase."""
STREAM = "/v1/jobs/{job_id}/events"
"""Its answer ends with the job, and jobs do not end here."""
READY = "/readyz"
"""Without a stream nothing is ready."""
CONFIGURATION = """
[[operations]]
include-path-regex = "^/v1/(documents|jobs|dead-letter|search)$"
checks.positive_data_acceptance.enabled = false

[[operations]]
include-path-regex = "^/v1/documents:batch$"
checks.positive_data_acceptance.enabled = false
checks.negative_data_rejection.enabled = false
"""
"""A schema does not tell which cursors were given out, which bytes are a document, nor which
queries hold a word."""


async def run_schemathesis(gateway: Running, key: str, report: Path) -> tuple[int, str]:
    """Exit code and output."""
    (report.parent / "schemathesis.toml").write_text(CONFIGURATION, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("st")),
        "run",
        f"http://127.0.0.1:{gateway.port}/openapi.json",
        "--header",
        f"Authorization: {key}",
        "--exclude-path",
        STREAM,
        "--exclude-path",
        READY,
        "--seed",
        str(SEED),
        "--generation-deterministic",
        "--max-examples",
        str(MAX_EXAMPLES),
        "--no-shrink",
        "--continue-on-failure",
        "--no-color",
        "--warnings",
        "off",
        "--generation-allow-x00",
        "false",
        "--suppress-health-check",
        "all",
        "--report-json-path",
        str(report),
        cwd=report.parent,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_every_answer_is_one_that_is_described(
    shared: Running, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with shared.as_tenant() as tenant:
        await upload(tenant, b"The ship sails.", external_id="a")
        await publish(tenant, "The ship sails.")
        await upload(tenant, b"This one fails.", external_id="b")
        await bury(tenant)

        code, output = await run_schemathesis(
            tenant, tenant.client.headers["Authorization"], tmp_path / "report.json"
        )

    assert code == 0, output
    report: dict[str, Any] = json.loads((tmp_path / "report.json").read_bytes())
    assert report["operations"]["tested"] == len(NEEDED) - 2
    assert report["test_cases"]["generated"] > 500
    assert report["phases"]["stateful"]["status"] == "success"
    record_property("cases", report["test_cases"]["generated"])
