"""The database's checks and its guard say what the enums and the transition table say."""

import contextlib
import itertools
import re
from typing import Any

import asyncpg
import pytest

from ingest.adapters.postgres.pool import Database
from ingest.domain.batch_api import BatchStatus
from ingest.domain.identity import ALL_TENANTS
from ingest.domain.index_kind import IndexKind
from ingest.domain.job import (
    FINAL_STATES,
    TRANSITIONS,
    Cause,
    Degraded,
    JobState,
    Lane,
    WaitReason,
)
from ingest.domain.pause import PauseKind
from ingest.domain.pricing import CallState, Operation, Period, Purpose
from ingest.domain.remote_parse import ParseStatus, WebhookVerdict
from ingest.domain.stage import STAGES, Stage
from tests import builders

JOBS = "upload_pipeline.upload_jobs"
ENUMS: dict[str, list[Any]] = {
    "upload_jobs_state_check": list(JobState),
    "upload_jobs_lane_check": list(Lane),
    "upload_jobs_wait_reason_check": list(WaitReason),
    "upload_jobs_cause_check": list(Cause),
    "upload_jobs_degraded_check": list(Degraded),
    "documents_degraded_check": list(Degraded),
    "workers_lane_check": list(Lane),
    "embedding_models_index_kind_check": list(IndexKind),
    "budgets_period_check": list(Period),
    "spending_period_check": list(Period),
    "budgets_purpose_check": list(Purpose),
    "spending_purpose_check": list(Purpose),
    "provider_calls_purpose_check": list(Purpose),
    "provider_calls_operation_check": list(Operation),
    "provider_calls_lane_check": list(Lane),
    "provider_calls_state_check": list(CallState),
    "parse_jobs_status_check": list(ParseStatus),
    "provider_batches_status_check": list(BatchStatus),
    "webhook_log_verdict_check": list(WebhookVerdict),
    "pauses_kind_check": list(PauseKind),
}
OF_STATE = {
    JobState.WORKING: ", leased_by = gen_random_uuid(), lease_token = gen_random_uuid(),"
    " leased_until = now()",
    JobState.WAITING: ", wait_reason = 'paused', wait_until = now()",
    JobState.DONE: ", stage = 'embedded', chunks_total = 1, chunks_stored = 1",
}
"""What the checks want of a job in a state."""


async def put(database: Database, job_id: object, state: JobState, stage: Stage) -> None:
    """Bring a job into a state, past the guard."""
    finished = ", finished_at = now()" if state in FINAL_STATES else ", finished_at = NULL"
    extra = OF_STATE.get(state, "")
    if "stage =" not in extra:
        extra += f", stage = '{stage}'"
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(
            f"UPDATE {JOBS} SET leased_by = NULL, lease_token = NULL, leased_until = NULL,"
            f" wait_reason = NULL, wait_until = NULL WHERE job_id = $1 AND state <> 'working'"
            f" AND state <> 'waiting'",
            job_id,
        )
        reset = ""
        if state is not JobState.WORKING:
            reset += ", leased_by = NULL, lease_token = NULL, leased_until = NULL"
        if state is not JobState.WAITING:
            reset += ", wait_reason = NULL, wait_until = NULL"
        await connection.execute(
            f"UPDATE {JOBS} SET state = '{state}'{extra}{finished}{reset} WHERE job_id = $1", job_id
        )


async def test_every_check_lists_the_members_of_its_enum(database: Database) -> None:
    for name, members in ENUMS.items():
        [row] = await builders.fetch(
            database,
            "SELECT pg_get_constraintdef(oid) AS d FROM pg_constraint WHERE conname = $1",
            name,
        )
        assert re.findall(r"'(\w+)'::text", row["d"]) == [member.value for member in members], name


async def test_the_database_numbers_the_stages_as_the_code_does(database: Database) -> None:
    [listed] = await builders.fetch(database, "SELECT upload_pipeline.stages() AS stages")
    [row] = await builders.fetch(
        database,
        "SELECT array_agg(upload_pipeline.stage_ordinal(s) ORDER BY n) AS ordinals,"
        " array_agg(upload_pipeline.stage_at(upload_pipeline.stage_ordinal(s)) ORDER BY n) AS back"
        " FROM unnest($1::text[]) WITH ORDINALITY AS t (s, n)",
        [stage.value for stage in STAGES],
    )
    assert listed["stages"] == [stage.value for stage in Stage]
    assert row["ordinals"] == list(range(1, len(STAGES) + 1))
    assert row["back"] == [stage.value for stage in STAGES]


async def test_a_stage_that_the_code_does_not_know_is_refused(database: Database) -> None:
    accepted = await builders.accept(database)
    await put(database, accepted.job_id, JobState.WORKING, Stage.PARSED)

    with pytest.raises(asyncpg.CheckViolationError, match="upload_jobs_stage_check"):
        await builders.execute(
            database,
            f"UPDATE {JOBS} SET stage = 'polished' WHERE job_id = $1",
            accepted.job_id,
        )


async def test_the_database_knows_the_id_that_stands_for_all_tenants(database: Database) -> None:
    [row] = await builders.fetch(database, "SELECT upload_pipeline.all_tenants() AS id")

    assert row["id"] == ALL_TENANTS


async def test_the_guard_allows_exactly_the_transitions_of_the_table(database: Database) -> None:
    accepted = await builders.accept(database)
    allowed: dict[JobState, set[JobState]] = {state: set() for state in JobState}
    for current, target in itertools.permutations(JobState, 2):
        await put(database, accepted.job_id, current, Stage.PARSED)
        update = f"UPDATE {JOBS} SET state = '{target}'{OF_STATE.get(target, '')} WHERE job_id = $1"
        with contextlib.suppress(asyncpg.CheckViolationError):
            await builders.execute(database, update, accepted.job_id)
            allowed[current].add(target)

    assert allowed == {state: set(targets) for state, targets in TRANSITIONS.items()}


@pytest.mark.parametrize("start", list(Stage))
@pytest.mark.parametrize("end", list(Stage))
async def test_an_attempt_goes_forward_only_and_its_end_back_to_a_durable_point(
    database: Database, start: Stage, end: Stage
) -> None:
    accepted = await builders.accept(database)
    forward = end.ordinal >= start.ordinal
    durable = end in (Stage.QUEUED, Stage.PARSED)
    for target, legal in ((JobState.WORKING, forward), (JobState.QUEUED, forward or durable)):
        await put(database, accepted.job_id, JobState.WORKING, start)
        update = f"UPDATE {JOBS} SET stage = '{end}', state = '{target}' WHERE job_id = $1"
        if legal:
            await builders.execute(database, update, accepted.job_id)
        else:
            with pytest.raises(asyncpg.CheckViolationError, match="cannot go back"):
                await builders.execute(database, update, accepted.job_id)


async def test_a_change_that_is_refused_leaves_no_event(database: Database) -> None:
    accepted = await builders.accept(database)
    before = await builders.snapshot(database)

    with pytest.raises(asyncpg.CheckViolationError, match="from queued to done"):
        await builders.execute(
            database,
            f"UPDATE {JOBS} SET state = 'done'{OF_STATE[JobState.DONE]} WHERE job_id = $1",
            accepted.job_id,
        )

    assert await builders.snapshot(database) == before


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("embedding", "array_fill(0, ARRAY[256])::vector"),
        ("embedding", "array_fill(1, ARRAY[255])::vector"),
        ("embed_version", "'2'"),
        ("vector_dim", "1536"),
        ("char_end", "char_start"),
        ("text", "''"),
        ("token_count", "0"),
    ],
)
async def test_a_chunk_that_no_search_could_use_is_refused(
    database: Database, column: str, value: str
) -> None:
    job = await builders.a_claimed_job(database)
    await builders.publish(database, job, builders.some_chunks(job, "one passage"))

    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)):
        await builders.execute(
            database, f"UPDATE upload_pipeline.document_chunks SET {column} = {value}"
        )


async def test_a_vector_with_a_number_that_is_none_is_refused(database: Database) -> None:
    with pytest.raises(asyncpg.DataError):
        await builders.execute(database, "SELECT ('[' || $1 || ',1]')::vector", "NaN")
