"""Accepting uploads once, generations, and deleting documents with their bytes."""

import asyncio
from uuid import UUID, uuid4

import pytest

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.arrival import Accepted, Arrival, Replaced
from ingest.domain.attempt import Settlement
from ingest.domain.errors import Conflict, DocumentUnreadable, StoreUnavailable
from ingest.domain.job import JobState
from tests import builders
from tests.builders import an_arrival, some_chunks


class Shelf:
    """Keys of the blobs that are stored."""

    def __init__(self, *keys: str) -> None:
        self.keys = set(keys)

    async def remove(self, key: str) -> None:
        self.keys.discard(key)

    async def accept(self, database: Database, arrival: Arrival) -> Accepted:
        """Store the bytes, then accept them, as the gateway does."""
        assert arrival.raw_key is not None
        self.keys.add(arrival.raw_key)

        async def is_there(key: str) -> bool:
            return key in self.keys

        return await DocumentStore(database).accept(arrival, blob_is_there=is_there)

    async def delete(self, database: Database, document_id: UUID, tenant_id: UUID) -> bool:
        return await DocumentStore(database).delete(document_id, tenant_id, remove_blob=self.remove)


async def counts(database: Database) -> tuple[int, int]:
    [row] = await builders.fetch(
        database,
        "SELECT (SELECT count(*) FROM upload_pipeline.documents) AS documents,"
        " (SELECT count(*) FROM upload_pipeline.upload_jobs) AS jobs",
    )
    return row["documents"], row["jobs"]


async def test_the_same_bytes_of_the_same_tenant_answer_with_the_same_ids(
    database: Database,
) -> None:
    tenant_id = builders.a_tenant()

    first = await builders.accept(database, an_arrival(tenant_id, b"x"))
    second = await builders.accept(database, an_arrival(tenant_id, b"x"))
    job = (await builders.claim(database))[0]
    await builders.publish(database, job, some_chunks(job, "x"))
    third = await builders.accept(database, an_arrival(tenant_id, b"x"))

    assert (first.created, second.created, third.created) == (True, False, False)
    assert first.job_id == second.job_id == third.job_id
    assert first.document_id == second.document_id == third.document_id
    assert await counts(database) == (1, 1)


@pytest.mark.parametrize("external_id", [None, "same"])
async def test_identical_uploads_at_once_are_one_document_and_one_job(
    database: Database, external_id: str | None
) -> None:
    tenant_id = builders.a_tenant()

    accepted = await asyncio.gather(
        *(
            builders.accept(database, an_arrival(tenant_id, b"x", external_id=external_id))
            for _ in range(20)
        )
    )

    assert sorted(one.created for one in accepted) == [False] * 19 + [True]
    assert len({(one.document_id, one.job_id, one.generation) for one in accepted}) == 1
    assert await counts(database) == (1, 1)


async def test_two_tenants_with_the_same_bytes_share_nothing(database: Database) -> None:
    one = await builders.accept(database, an_arrival(content=b"x"))
    other = await builders.accept(database, an_arrival(content=b"x"))

    assert one.document_id != other.document_id
    assert one.job_id != other.job_id
    assert await counts(database) == (2, 2)


async def test_other_bytes_under_an_external_id_are_the_next_generation(
    database: Database,
) -> None:
    tenant_id = builders.a_tenant()
    job = await builders.a_claimed_job(database, an_arrival(tenant_id, b"1", external_id="a"))
    await builders.publish(database, job, some_chunks(job, "one"))
    newer = an_arrival(tenant_id, b"2", external_id="a")

    accepted = await builders.accept(database, newer)

    replaced = Replaced("note.txt", None, 1)
    assert accepted == Accepted(job.document_id, newer.job_id, 2, created=True, replaces=replaced)
    view = await DocumentStore(database).get(job.document_id, tenant_id)
    assert view is not None
    assert (view.generation, view.live_generation, view.parsed_key) == (2, 1, None)
    assert view.file_sha256 == newer.file_sha256


async def test_the_next_generation_cancels_the_one_under_way(database: Database) -> None:
    tenant_id = builders.a_tenant()
    job = await builders.a_claimed_job(database, an_arrival(tenant_id, b"1", external_id="a"))

    await builders.accept(database, an_arrival(tenant_id, b"2", external_id="a"))

    assert (await builders.state_of(database, job.lease.job_id))[1] is JobState.CANCELLED
    assert await builders.record_parsed(database, job) == set()


async def test_different_bytes_at_once_under_one_external_id_leave_one_job_alive(
    database: Database,
) -> None:
    tenant_id = builders.a_tenant()

    accepted = await asyncio.gather(
        *(builders.accept(database, an_arrival(tenant_id, external_id="a")) for _ in range(12))
    )

    assert sorted(one.generation for one in accepted) == list(range(1, 13))
    alive = await builders.fetch(
        database,
        "SELECT generation FROM upload_pipeline.upload_jobs WHERE finished_at IS NULL",
    )
    assert alive == [{"generation": 12}]


async def test_an_idempotency_key_replays_its_answer(database: Database) -> None:
    tenant_id = builders.a_tenant()
    first = await builders.accept(
        database, an_arrival(tenant_id, b"1", external_id="a", idempotency_key="k")
    )
    await builders.accept(database, an_arrival(tenant_id, b"2", external_id="a"))

    again = await builders.accept(
        database, an_arrival(tenant_id, b"1", external_id="a", idempotency_key="k")
    )

    assert (again.job_id, again.generation, again.created) == (first.job_id, 1, False)


async def test_an_idempotency_key_is_refused_for_other_bytes(database: Database) -> None:
    tenant_id = builders.a_tenant()
    await builders.accept(database, an_arrival(tenant_id, b"1", idempotency_key="k"))

    with pytest.raises(Conflict):
        await builders.accept(database, an_arrival(tenant_id, b"2", idempotency_key="k"))
    await builders.accept(database, an_arrival(content=b"2", idempotency_key="k"))

    assert await counts(database) == (2, 2)


async def test_one_idempotency_key_for_two_contents_at_once_takes_one(
    database: Database,
) -> None:
    tenant_id = builders.a_tenant()

    outcomes = await asyncio.gather(
        *(builders.accept(database, an_arrival(tenant_id, idempotency_key="k")) for _ in range(8)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 7
    assert await counts(database) == (1, 1)


@pytest.mark.parametrize("end", [JobState.DEADLETTER, JobState.CANCELLED])
async def test_bytes_whose_job_ended_badly_get_a_job_of_their_own(
    database: Database, end: JobState
) -> None:
    tenant_id = builders.a_tenant()
    job = await builders.a_claimed_job(database, an_arrival(tenant_id, b"x"))
    if end is JobState.DEADLETTER:
        await JobStore(database).settle(job.lease, Settlement(end, DocumentUnreadable()))
    else:
        await JobStore(database).cancel(job.lease.job_id, tenant_id)

    again = await builders.accept(database, an_arrival(tenant_id, b"x"))

    assert (again.document_id, again.generation) == (job.document_id, 1)
    assert again.job_id != job.lease.job_id
    [claimed] = await builders.claim(database)
    await builders.publish(database, claimed, some_chunks(claimed, "x"))


async def test_nothing_is_accepted_without_its_bytes(database: Database) -> None:
    async def gone(_key: str) -> bool:
        return False

    with pytest.raises(StoreUnavailable):
        await DocumentStore(database).accept(an_arrival(), blob_is_there=gone)

    assert await counts(database) == (0, 0)


async def test_delete_removes_the_bytes_of_every_generation(database: Database) -> None:
    shelf = Shelf()
    tenant_id = builders.a_tenant()
    for content in (b"1", b"2"):
        await shelf.accept(database, an_arrival(tenant_id, content, external_id="a"))
        [job] = await builders.claim(database)
        await builders.publish(database, job, some_chunks(job, content.decode()))
        shelf.keys.add(builders.a_record(job).parsed_key)
    assert len(shelf.keys) == 3

    assert not await shelf.delete(database, job.document_id, uuid4())
    assert await shelf.delete(database, job.document_id, tenant_id)

    assert shelf.keys == set()
    assert await counts(database) == (0, 0)
    assert not await shelf.delete(database, job.document_id, tenant_id)


async def test_delete_keeps_bytes_that_another_document_needs(database: Database) -> None:
    shelf = Shelf()
    tenant_id = builders.a_tenant()
    one = await shelf.accept(database, an_arrival(tenant_id, b"x", external_id="a"))
    other = await shelf.accept(database, an_arrival(tenant_id, b"x", external_id="b"))

    await shelf.delete(database, one.document_id, tenant_id)
    kept = set(shelf.keys)
    await shelf.delete(database, other.document_id, tenant_id)

    assert (len(kept), shelf.keys) == (1, set())


async def test_nothing_is_deleted_when_a_blob_cannot_be_removed(database: Database) -> None:
    accepted = await builders.accept(database, arrival := an_arrival())

    async def refuse(_key: str) -> None:
        raise StoreUnavailable("no")

    with pytest.raises(StoreUnavailable):
        await DocumentStore(database).delete(
            accepted.document_id, arrival.tenant_id, remove_blob=refuse
        )

    assert await counts(database) == (1, 1)
    assert len(await builders.claim(database)) == 1


@pytest.mark.parametrize("same_document", [False, True])
async def test_deleting_and_accepting_the_same_bytes_never_leaves_a_document_without_them(
    database: Database, same_document: bool
) -> None:
    shelf = Shelf()
    tenant_id = builders.a_tenant()
    accepted_count = 0
    for attempt in range(30):
        first = await shelf.accept(database, an_arrival(tenant_id, b"x", external_id="a"))
        name = "a" if same_document else "b"

        calls = [
            shelf.delete(database, first.document_id, tenant_id),
            shelf.accept(database, an_arrival(tenant_id, b"x", external_id=name)),
        ]
        order = [0, 1] if attempt % 2 else [1, 0]
        outcomes = await asyncio.gather(*(calls[at] for at in order), return_exceptions=True)
        second = outcomes[order.index(1)]

        documents, _ = await counts(database)
        assert not documents or shelf.keys
        assert isinstance(second, Accepted | StoreUnavailable)
        accepted_count += isinstance(second, Accepted)
        await builders.execute(database, "DELETE FROM upload_pipeline.documents")
    assert accepted_count > 0


async def test_documents_are_listed_newest_first_page_by_page(database: Database) -> None:
    tenant_id = builders.a_tenant()
    made = [(await builders.accept(database, an_arrival(tenant_id))).document_id for _ in range(5)]
    await builders.accept(database)
    store = DocumentStore(database)

    first = await store.list_newest(tenant_id, limit=2)
    last = first[-1]
    second = await store.list_newest(tenant_id, before=(last.created_at, last.document_id))

    assert [view.document_id for view in first + second] == made[::-1]
    assert await store.get(made[0], uuid4()) is None
