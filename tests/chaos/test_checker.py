"""Whatever is changed behind the back of a run that was right, the checker names it."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from ingest.adapters.postgres.pool import Database
from tests.chaos import checker
from tests.chaos.evidence import Bills, Evidence, Finding
from tests.chaos.workshop import Workshop, happen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ONE_JOB = "(SELECT job_id FROM upload_pipeline.upload_jobs WHERE state = 'done' LIMIT 1)"
ONE_CHUNK = "(SELECT min(chunk_id::text)::uuid FROM upload_pipeline.document_chunks)"
CHANGES = [
    ("content", f"UPDATE document_chunks SET text = text || '!' WHERE chunk_id = {ONE_CHUNK}"),
    (
        "content",
        f"UPDATE document_chunks SET context = context || '!' WHERE chunk_id = {ONE_CHUNK}",
    ),
    (
        "content",
        "UPDATE document_chunks SET embedding = (SELECT array_agg(-v) FROM"
        f" unnest(embedding::real[]) AS v)::vector WHERE chunk_id = {ONE_CHUNK}",
    ),
    ("content", f"UPDATE document_chunks SET page = 7 WHERE chunk_id = {ONE_CHUNK}"),
    (
        "content",
        f"UPDATE document_chunks SET tenant_id = gen_random_uuid() WHERE chunk_id = {ONE_CHUNK}",
    ),
    ("content", f"DELETE FROM document_chunks WHERE chunk_id = {ONE_CHUNK}"),
    (
        "duplicate",
        "INSERT INTO document_chunks SELECT (json_populate_record(c, json_build_object('chunk_id',"
        f" gen_random_uuid()))).* FROM document_chunks AS c WHERE chunk_id = {ONE_CHUNK}",
    ),
    ("lost", "UPDATE documents SET live_generation = 1 WHERE live_generation = 2"),
    ("illegal", f"DELETE FROM events WHERE job_id = {ONE_JOB} AND stage = 'chunking'"),
    ("illegal", f"UPDATE events SET state = 'waiting' WHERE job_id = {ONE_JOB} AND state = 'done'"),
    ("ledger", "UPDATE provider_calls SET usd = usd + 1"),
    ("ledger", "UPDATE provider_calls SET units = units + 1 WHERE state = 'settled'"),
    ("ledger", "UPDATE provider_calls SET state = 'reserved', ended_at = NULL"),
    ("ledger", "UPDATE spending SET reserved_usd = 1"),
    (
        "stuck",
        f"UPDATE upload_jobs SET state = 'queued', finished_at = NULL WHERE job_id = {ONE_JOB}",
    ),
    ("lost", f"DELETE FROM upload_jobs WHERE job_id = {ONE_JOB}"),
]
"""What should be found, and the change, one after the other."""


@pytest.fixture
async def evidence(workshop: Workshop) -> Evidence:
    """Of a run that was right."""
    await happen(workshop)
    return await workshop.evidence()


async def findings(evidence: Evidence) -> set[Finding]:
    return set(await asyncio.to_thread(checker.check, evidence))


async def counts(evidence: Evidence) -> Counter[str]:
    return Counter(finding.kind for finding in await findings(evidence))


async def test_every_change_behind_the_back_of_a_run_is_found(
    database: Database, evidence: Evidence
) -> None:
    before = await findings(evidence)
    assert before == set()
    for kind, change in CHANGES:
        async with database.transaction() as connection:
            await connection.execute("SET LOCAL search_path = upload_pipeline, public")
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(change)
        after = await findings(evidence)
        assert kind in {finding.kind for finding in after - before}, change
        before = after


async def test_what_is_missing_outside_the_database_is_found(evidence: Evidence) -> None:
    blob = next(path for path in evidence.blobs.rglob("raw/*") if path.is_file())
    blob.write_bytes(b"something else")

    assert (await counts(evidence))["content"] == 1
    blob.unlink()
    assert (await counts(evidence))["lost"] == 1
    assert (await counts(replace(evidence, refused=["a.txt: 404"])))["lost"] == 2
    assert (await counts(replace(evidence, uploads=evidence.uploads[1:])))["duplicate"] > 0
    assert (await counts(replace(evidence, bills=Bills())))["ledger"] > 0
    more = Bills(evidence.bills.embedding, parsing_credits=3, contents_parsed_twice=1)
    found = await counts(replace(evidence, bills=more))
    assert found["ledger"] == found["paid twice"] == 1
