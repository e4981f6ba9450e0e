"""A load without an index: dropped once it is worth it, built in the end, by whoever ends."""

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.app.backfill.bulk_index import BulkIndex
from ingest.domain.index_kind import IndexKind
from ingest.domain.index_timing import NOTHING_CHUNKS, IndexTime
from tests import builders
from tests.builders import LARGE_MODEL, MODEL, numbered_chunks

MANY = 1_000_000


def an_index(database: Database, wanted: IndexTime = IndexTime.AUTO) -> BulkIndex:
    return BulkIndex(IndexStore(database), MODEL, wanted)


async def publish(database: Database, count: int) -> None:
    job = await builders.a_claimed_job(database)
    await builders.publish(database, job, numbered_chunks(job, count))


async def test_a_large_load_drops_the_index_once_and_builds_it_in_the_end(
    database: Database,
) -> None:
    store, index = IndexStore(database), an_index(database)
    await index.decide(0)
    assert await store.is_usable(MODEL)
    await index.decide(MANY)
    await publish(database, 30)
    await index.decide(2 * MANY)

    assert not await store.is_usable(MODEL)
    assert await store.is_usable(LARGE_MODEL), "others keep theirs"
    assert index.is_after
    assert await index.is_missing()
    await index.build()
    assert await store.is_usable(MODEL)
    assert await store.kind(MODEL) is IndexKind.HALFVEC
    assert not await index.is_missing()


async def test_what_is_stored_by_the_load_itself_does_not_count(database: Database) -> None:
    index = an_index(database)
    await index.decide(0)
    await publish(database, NOTHING_CHUNKS + 1)

    await index.decide(MANY)

    assert index.is_after


async def test_vectors_that_somebody_searches_keep_their_index(database: Database) -> None:
    await publish(database, NOTHING_CHUNKS + 1)
    index = an_index(database)
    await index.decide(0)
    await index.decide(MANY)

    assert not index.is_after
    assert await IndexStore(database).is_usable(MODEL)


async def test_a_load_after_one_that_was_killed_builds_what_is_missing(database: Database) -> None:
    killed = an_index(database, IndexTime.AFTER)
    await killed.decide(0)
    await publish(database, 3)

    small = an_index(database)
    await small.decide(1)
    assert not small.is_after
    assert await small.is_missing()
    await small.build()

    assert await IndexStore(database).is_usable(MODEL)


async def test_a_kind_that_was_chosen_is_built_again(database: Database) -> None:
    store = IndexStore(database)
    await store.rebuild(MODEL, IndexKind.BIT)
    index = an_index(database, IndexTime.AFTER)
    await index.decide(0)

    await index.build()

    assert await store.kind(MODEL) is IndexKind.BIT
    assert await store.is_usable(MODEL)


async def test_inline_touches_nothing(database: Database) -> None:
    await IndexStore(database).drop(MODEL)
    index = an_index(database, IndexTime.INLINE)
    await index.decide(MANY)

    assert not index.is_after
    assert not await index.is_missing(), "whoever dropped it builds it"
