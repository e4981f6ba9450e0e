"""API keys and streams, as the database knows them."""

from uuid import UUID, uuid4

from ingest.adapters.postgres.admin.key_store import PREFIX, KeyStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.job import Lane
from tests import builders


async def owner(keys: KeyStore, key: str) -> UUID | None:
    caller = await keys.caller(key)
    return caller.tenant_id if caller else None


async def test_a_key_opens_its_own_tenant_until_it_is_revoked(database: Database) -> None:
    keys = KeyStore(database)
    mine, theirs = uuid4(), uuid4()
    key_id, key = await keys.create(mine, "laptop")
    _, other = await keys.create(theirs, "server")

    assert [await owner(keys, k) for k in (key, other)] == [mine, theirs]
    assert await keys.revoke(key_id)
    assert not await keys.revoke(key_id)
    assert [await owner(keys, k) for k in (key, other)] == [None, theirs]
    assert [(view.label, view.revoked_at is None) for view in await keys.list_all()] == [
        ("server", True),
        ("laptop", False),
    ]


async def test_a_key_is_long_and_kept_nowhere(database: Database) -> None:
    _, key = await KeyStore(database).create(uuid4(), "laptop")

    assert key.startswith(PREFIX)
    assert len(key) >= 40
    [row] = await builders.fetch(database, "SELECT * FROM upload_pipeline.api_keys")
    assert key not in str(row)
    assert key.encode().hex() not in str(row)


async def test_what_is_no_key_opens_nothing(database: Database) -> None:
    keys = KeyStore(database)
    _, key = await keys.create(uuid4(), "laptop")

    for wrong in ("", PREFIX, key[:-1], key + "x", key.upper(), "\0", "\ud800", "%"):
        assert await keys.caller(wrong) is None


async def test_a_stream_is_running_from_its_start_to_its_end(database: Database) -> None:
    workers = WorkerStore(database)
    first, second = uuid4(), uuid4()
    for worker_id in (first, second):
        await workers.register(worker_id, Lane.INTERACTIVE, host="h", pid=1, version="0")
    assert await running(workers) == {first: False, second: False}

    await workers.drain(first)
    assert (await workers.beat(first), await workers.beat(second)) == (True, False)
    assert await running(workers) == {first: True, second: False}

    await workers.stop(first)
    assert await running(workers) == {second: False}


async def test_silence_is_counted_by_the_database_and_ended_by_a_beat(database: Database) -> None:
    workers = WorkerStore(database)
    worker_id = uuid4()
    await workers.register(worker_id, Lane.INTERACTIVE, host="h", pid=1, version="0")
    await builders.execute(
        database, "UPDATE upload_pipeline.workers SET heartbeat_at = now() - interval '20 s'"
    )

    [silent] = await workers.list_running()
    await workers.beat(worker_id)
    [heard] = await workers.list_running()

    assert 20 <= silent.silent_seconds < 60
    assert heard.silent_seconds < 15


async def running(workers: WorkerStore) -> dict[UUID, bool]:
    return {worker.worker_id: worker.draining for worker in await workers.list_running()}


async def test_a_stream_that_was_taken_for_dead_is_back_with_its_next_beat(
    database: Database,
) -> None:
    workers, worker_id = WorkerStore(database), uuid4()
    await workers.register(worker_id, Lane.INTERACTIVE, host="h", pid=1, version="1")
    await workers.stop(worker_id)
    assert await workers.list_running() == []

    await workers.beat(worker_id)

    assert [worker.worker_id for worker in await workers.list_running()] == [worker_id]
