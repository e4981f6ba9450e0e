"""Many uploads in one transaction: what is new and what is there; the rest one by one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.limit_store import LimitStore
from ingest.adapters.postgres.pool import Connection, Database
from ingest.adapters.storage.blob_store import ObjectBlobStore, open_blob_store
from ingest.app.intake.upload import Intake
from ingest.domain.arrival import NEVER, Accepted, Arrival, Replaced
from ingest.domain.errors import (
    Conflict,
    DocumentDeleted,
    DocumentExists,
    IngestError,
    LimitReached,
    StoreUnavailable,
)
from ingest.domain.job import JobState
from ingest.domain.tenant_limits import TenantLimits
from tests import builders
from tests.builders import a_tenant, an_arrival

MANY = 100


class Counting(Database):
    """Counts the statements that it sends."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.sent: list[str] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with super().connection() as connection:
            with connection.query_logger(lambda query: self.sent.append(query.query)):
                yield connection


@pytest.fixture
def blobs(tmp_path_factory: pytest.TempPathFactory) -> ObjectBlobStore:
    return open_blob_store(tmp_path_factory.mktemp("blobs").as_uri())


async def accept_all(
    database: Database, blobs: ObjectBlobStore, arrivals: Sequence[Arrival]
) -> list[Accepted | IngestError]:
    """Take in uploads whose bytes are stored."""
    for arrival in arrivals:
        assert arrival.raw_key is not None
        await blobs.put(arrival.raw_key, b"x")
    intake = Intake(blobs, DocumentStore(database), max_bytes=1000)
    return await intake.accept_all(arrivals)


def created(results: Sequence[Accepted | IngestError]) -> list[bool]:
    return [isinstance(result, Accepted) and result.created for result in results]


async def counts(database: Database, tenant: UUID) -> tuple[int, int]:
    [row] = await builders.fetch(
        database,
        "SELECT (SELECT count(*) FROM upload_pipeline.documents WHERE tenant_id = $1) AS documents,"
        " (SELECT count(*) FROM upload_pipeline.upload_jobs WHERE tenant_id = $1) AS jobs",
        tenant,
    )
    return row["documents"], row["jobs"]


async def test_new_documents_are_accepted_by_a_few_statements(
    database_url: str, blobs: ObjectBlobStore
) -> None:
    tenant, counting = a_tenant(), Counting(database_url)
    arrivals = [an_arrival(tenant, external_id=f"{n}") for n in range(MANY)]

    await accept_all(counting, blobs, [an_arrival(tenant)])  # a new connection asks for its types

    counting.sent.clear()
    first = await accept_all(counting, blobs, arrivals)
    sent_first = counting.sent[:]
    counting.sent.clear()
    repeated = await accept_all(counting, blobs, [replace(a, job_id=uuid4()) for a in arrivals])
    await counting.close()

    assert created(first) == [True] * MANY
    assert [one.job_id for one in first if isinstance(one, Accepted)] == [
        arrival.job_id for arrival in arrivals
    ]
    assert created(repeated) == [False] * MANY
    assert max(len(sent_first), len(counting.sent)) <= 6, (sent_first, counting.sent)


async def test_a_batch_keeps_what_was_said_of_each_document(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant = a_tenant()
    one = replace(an_arrival(tenant, b"1", external_id="a"), source_path="hr/a", filename="a.md")
    other = an_arrival(tenant, b"2")

    await accept_all(database, blobs, [one, other])

    rows = await builders.fetch(
        database,
        "SELECT d.name, d.filename, d.source_path, d.raw_key, d.bytes_len, j.job_id, j.generation,"
        " j.correlation_id FROM upload_pipeline.documents AS d"
        " INNER JOIN upload_pipeline.upload_jobs AS j USING (document_id) ORDER BY d.bytes_len,"
        " d.filename",
    )
    assert rows == [
        {
            "name": arrival.name,
            "filename": arrival.filename,
            "source_path": arrival.source_path,
            "raw_key": arrival.raw_key,
            "bytes_len": arrival.bytes_len,
            "job_id": arrival.job_id,
            "generation": 1,
            "correlation_id": "test",
        }
        for arrival in (one, other)
    ]


async def test_batches_at_once_with_the_same_documents_in_opposite_order_end(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant = a_tenant()
    contents = [(b"%d" % n, f"{n}") for n in range(30)]

    def a_batch(*, backwards: bool) -> list[Arrival]:
        arrivals = [an_arrival(tenant, content, external_id=name) for content, name in contents]
        return arrivals[::-1] if backwards else arrivals

    results = await asyncio.gather(
        *(accept_all(database, blobs, a_batch(backwards=n % 2 == 1)) for n in range(8))
    )

    flat = [one for batch in results for one in batch]
    assert all(isinstance(one, Accepted) for one in flat), flat
    assert sum(created(flat)) == len(contents)
    assert await counts(database, tenant) == (30, 30)


async def test_batches_at_once_with_other_bytes_under_the_same_names_end(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant = a_tenant()
    names = [f"{n}" for n in range(10)]

    results = await asyncio.gather(
        *(
            accept_all(
                database,
                blobs,
                [an_arrival(tenant, external_id=name) for name in names[:: 1 - 2 * (n % 2)]],
            )
            for n in range(6)
        )
    )

    assert all(created(batch) == [True] * 10 for batch in results)
    rows = await builders.fetch(
        database,
        "SELECT generation FROM upload_pipeline.upload_jobs WHERE finished_at IS NULL",
    )
    assert rows == [{"generation": 6}] * 10


async def test_the_same_document_twice_is_like_two_uploads(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant = a_tenant()
    a1, a2, a3 = (an_arrival(tenant, c, external_id="a") for c in (b"1", b"2", b"1"))
    same, again = an_arrival(tenant, b"same"), an_arrival(tenant, b"same")

    results = await accept_all(database, blobs, [a1, same, a2, again, a3])

    replaced = [Replaced("note.txt", None, generation) for generation in (1, 2)]
    assert results == [
        Accepted(a1.document_id, a1.job_id, 1, created=True),
        Accepted(same.document_id, same.job_id, 1, created=True),
        Accepted(a1.document_id, a2.job_id, 2, created=True, replaces=replaced[0]),
        Accepted(same.document_id, same.job_id, 1, created=False),
        Accepted(a1.document_id, a3.job_id, 3, created=True, replaces=replaced[1]),
    ]


async def test_what_exists_is_replaced_refused_or_made_again_as_by_itself(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant = a_tenant()
    first = [an_arrival(tenant, b"%d" % n, external_id=f"{n}") for n in range(4)]
    before = await accept_all(database, blobs, first)
    assert isinstance(before[3], Accepted)
    await JobStore(database).cancel(before[3].job_id, tenant)
    other = [an_arrival(tenant, b"other %d" % n, external_id=f"{n}") for n in range(3)]
    other[2] = replace(other[2], replace=False)
    new, cancelled = an_arrival(tenant), an_arrival(tenant, b"3", external_id="3")

    results = await accept_all(database, blobs, [*other[1:], new, first[0], cancelled])

    assert results[0] == Accepted(
        other[1].document_id,
        other[1].job_id,
        2,
        created=True,
        replaces=Replaced("note.txt", None, 1),
    )
    assert isinstance(results[1], DocumentExists)
    assert created(results[2:]) == [True, False, True]
    assert other[2].raw_key is not None
    assert not await blobs.exists(other[2].raw_key)
    assert (await builders.state_of(database, cancelled.job_id))[1] is JobState.QUEUED


async def test_bytes_of_a_refused_file_stay_for_the_file_that_follows(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant = a_tenant()
    await accept_all(database, blobs, [an_arrival(tenant, b"1", external_id=n) for n in ("a", "b")])
    refused = replace(an_arrival(tenant, b"2", external_id="a"), replace=False)
    taken = an_arrival(tenant, b"2", external_id="b")

    results = await accept_all(database, blobs, [refused, taken])

    assert isinstance(results[0], DocumentExists)
    assert created(results[1:]) == [True]
    assert taken.raw_key is not None
    assert await blobs.exists(taken.raw_key)


async def test_a_deleted_document_comes_back_only_when_it_may(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant = a_tenant()
    arrivals = [an_arrival(tenant, b"%d" % n) for n in range(2)]
    await accept_all(database, blobs, arrivals)
    store = DocumentStore(database)
    for arrival in arrivals:
        await store.delete(arrival.document_id, tenant, remove_blob=blobs.delete)

    kept_away = await accept_all(
        database, blobs, [replace(one, restores_before=NEVER) for one in arrivals]
    )
    back = await accept_all(database, blobs, arrivals)

    assert all(isinstance(one, DocumentDeleted) for one in kept_away)
    assert created(back) == [True, True]
    assert await builders.fetch(database, "SELECT FROM upload_pipeline.tombstones") == []


@pytest.mark.parametrize(
    "limits",
    [
        TenantLimits(uploads_per_day=3),
        TenantLimits(active_jobs=3),
        TenantLimits(bytes_per_day=3 * 16 + 15),
    ],
)
async def test_a_limit_that_is_reached_in_the_middle_refuses_what_follows(
    database: Database, blobs: ObjectBlobStore, limits: TenantLimits
) -> None:
    tenant = a_tenant()
    await LimitStore(database).set(tenant, limits)
    arrivals = [an_arrival(tenant) for _ in range(5)]

    results = await accept_all(database, blobs, arrivals)
    again = await accept_all(database, blobs, arrivals)

    assert created(results) == [True] * 3 + [False] * 2
    assert all(isinstance(one, LimitReached) for one in results[3:])
    assert [isinstance(one, Accepted) for one in again] == [True] * 3 + [False] * 2
    assert await counts(database, tenant) == (3, 3)
    kept = [one for one in arrivals if one.raw_key and await blobs.exists(one.raw_key)]
    assert kept == arrivals[:3]


async def test_within_its_limits_a_batch_is_counted_once(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant, store = a_tenant(), LimitStore(database)
    await store.set(tenant, TenantLimits(uploads_per_day=50, active_jobs=50, bytes_per_day=10_000))

    await accept_all(database, blobs, [an_arrival(tenant) for _ in range(20)])

    used = {str(use.kind): use.used for use in await store.use(tenant)}
    assert (used["active_jobs"], used["uploads_per_day"], used["bytes_per_day"]) == (20, 20, 320)


async def test_racing_batches_never_overrun_a_limit(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant = a_tenant()
    await LimitStore(database).set(tenant, TenantLimits(active_jobs=25))

    results = await asyncio.gather(
        *(accept_all(database, blobs, [an_arrival(tenant) for _ in range(10)]) for _ in range(5))
    )

    assert sum(created([one for batch in results for one in batch])) == 25
    assert await counts(database, tenant) == (25, 25)


async def test_idempotency_keys_are_looked_at(database: Database, blobs: ObjectBlobStore) -> None:
    tenant = a_tenant()
    first = an_arrival(tenant, b"1", idempotency_key="k")
    await accept_all(database, blobs, [first])

    results = await accept_all(
        database,
        blobs,
        [
            an_arrival(tenant, b"2", idempotency_key="k"),
            an_arrival(tenant, b"1", idempotency_key="k"),
            an_arrival(tenant, b"3", idempotency_key="new"),
        ],
    )

    assert isinstance(results[0], Conflict)
    assert results[1] == Accepted(first.document_id, first.job_id, 1, created=False)
    assert created(results[2:]) == [True]


async def test_without_the_bytes_of_one_nothing_is_accepted(
    database: Database, blobs: ObjectBlobStore
) -> None:
    tenant = a_tenant()
    arrivals = [an_arrival(tenant) for _ in range(3)]
    intake = Intake(blobs, DocumentStore(database), max_bytes=1000)
    for arrival in arrivals[:2]:
        assert arrival.raw_key is not None
        await blobs.put(arrival.raw_key, b"x")

    with pytest.raises(StoreUnavailable):
        await intake.accept_all(arrivals)

    assert await counts(database, tenant) == (0, 0)
