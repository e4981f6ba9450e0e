"""What the statements of provider batches touch when there are very many texts and waiting jobs."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ingest.adapters.postgres.statements import load
from tests.integration.plans import explain, filled, indexes, job_scans, nodes

BATCHES, TEXTS, JOBS = load("provider_batches"), load("document_vector_buffer"), load("upload_jobs")
TENANT = UUID(int=1)
OVER = UUID(int=30)
"""The batch that is collected; each has 2,000 texts and as many waiting jobs."""
SPACE = ("text-embedding-3-small", "1")
_FILL = """
SET session_replication_role = replica;
INSERT INTO upload_pipeline.provider_batches (
    batch_id, tenant_id, embed_model, embed_version, vector_dim, status, texts, tokens, remote_id,
    key_fingerprint, deadline, ended_at
)
SELECT lpad(to_hex(n), 32, '0')::uuid, '00000000-0000-0000-0000-000000000001',
    'text-embedding-3-small', '1', 1536,
    CASE WHEN n = 30 THEN 'collected' WHEN n > 30 THEN 'ended' ELSE 'submitted' END,
    2000, 200000, 'remote' || n, 'key', now() + interval '1 h',
    CASE WHEN n >= 30 THEN now() END
FROM generate_series(1, 500) AS n;
INSERT INTO upload_pipeline.document_vector_buffer (
    tenant_id, embed_model, embed_version, text_sha256, batch_id, document_id, token_count, text,
    vector_dim
)
SELECT '00000000-0000-0000-0000-000000000001', 'text-embedding-3-small', '1',
    sha256(n::text::bytea), lpad(to_hex(1 + n % 50), 32, '0')::uuid, gen_random_uuid(), 100,
    'some text', 1536
FROM generate_series(0, 99999) AS n;
INSERT INTO upload_pipeline.upload_jobs (
    job_id, document_id, tenant_id, generation, file_sha256, correlation_id, lane, state, run_after,
    wait_reason, wait_until, provider_batch_id
)
SELECT gen_random_uuid(), gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 1, '', 'test',
    'batch', 'waiting', now() + interval '1 d', 'batch', now() + interval '1 d',
    lpad(to_hex(1 + n % 50), 32, '0')::uuid
FROM generate_series(0, 99999) AS n;
"""


@pytest.fixture(scope="module")
def large(server_url: str, template_database: str) -> Iterator[str]:
    with filled(server_url, template_database, _FILL) as url:
        yield url


def text_rows(plan: dict[str, Any]) -> float:
    """Texts that were looked at, those that were thrown away included."""
    return sum(
        float((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for node in nodes(plan)
        if node.get("Relation Name") == "document_vector_buffer" and "Scan" in node["Node Type"]
    )


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_only_jobs_of_batches_that_are_over_are_looked_at(large: str, mode: str) -> None:
    plan = await explain(large, mode, JOBS["wake_batched"], 100)

    assert "idx_upload_jobs_batched" in indexes(plan)
    assert "" not in indexes(plan)
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in job_scans(plan)) <= 4 * 100


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_texts_are_found_by_what_they_are(large: str, mode: str) -> None:
    digests = [hashlib.sha256(str(number).encode()).digest() for number in range(0, 100_000, 1000)]

    known = await explain(large, mode, TEXTS["known_texts"], TENANT, *SPACE, digests)
    refused = await explain(large, mode, TEXTS["refused_texts"], TENANT, *SPACE, digests)

    assert text_rows(known) == text_rows(refused) == len(digests)


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_page_of_a_file_costs_a_page(large: str, mode: str) -> None:
    plan = await explain(large, mode, TEXTS["page_of_texts"], OVER, b"\x80", 100)

    assert text_rows(plan) <= 100


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_what_nobody_needs_is_found_within_batches_that_ended(large: str, mode: str) -> None:
    plan = await explain(large, mode, TEXTS["sweep_texts"], 100, timedelta())

    assert text_rows(plan) <= 2 * 40_000 + 100, "of twenty batches, not of all"


async def test_looking_for_something_to_do_reads_no_batch_that_ended(large: str) -> None:
    minute = timedelta(minutes=1)

    for statement, parameters in (
        ("take_batch", (minute, minute, 10)),
        ("due_batches", (10, minute)),
        ("end_batches", ()),
    ):
        plan = await explain(large, "force_generic_plan", BATCHES[statement], *parameters)
        read = [
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in nodes(plan)
            if node.get("Relation Name") == "provider_batches" and "Scan" in node["Node Type"]
        ]
        assert sum(read) < 500, statement
