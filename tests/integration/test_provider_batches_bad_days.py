"""Provider batches on bad days: nothing is lost, and nothing is paid for twice."""

import asyncio
from datetime import timedelta

from benchmarks.simulator import Simulator, running_simulator
from ingest.adapters.postgres.pool import Database
from tests import builders
from tests.builders import LARGE_MODEL, some_chunks
from tests.integration.batch_fixtures import OPTIONS, TEXTS, Batching, batching


async def test_who_lost_its_lease_leaves_nothing(lane: Batching) -> None:
    job = await lane.a_job()
    share = builders.share(job, some_chunks(job, *TEXTS))
    await builders.lose_lease(lane.database, job)
    before = await builders.snapshot(lane.database)

    deferred = await lane.texts.defer([share], LARGE_MODEL, at_most=timedelta(days=1))

    assert (deferred.ready, deferred.failed) == ([], [])
    assert await builders.snapshot(lane.database) == before
    assert await lane.listed() == []


async def test_an_answer_that_got_lost_is_looked_for_before_anything_is_bought_again(
    lane: Batching, batches: Simulator
) -> None:
    job = await lane.a_job()
    await lane.defer(job, *TEXTS)
    batches.script("ok", "drop_after")  # the file arrives; the batch is made, and nobody told

    submitted = await lane.hand_over()
    await lane.collect()

    assert submitted == 1
    assert len([c for c in batches.calls() if c["batched"]]) == 1
    assert batches.stats()["inputs_billed"] == len(TEXTS)
    await lane.ensure_balanced()


async def test_who_dies_on_the_way_is_followed_by_another_that_finds_the_batch(
    lane: Batching, batches: Simulator
) -> None:
    job = await lane.a_job()
    await lane.defer(job, *TEXTS)
    batches.script("ok", "drop_after", "503", "503")  # and nobody can be asked either
    assert await lane.hand_over() == 0
    await lane.look_again()

    submitted = await lane.hand_over()
    await lane.collect()

    assert submitted == 1
    assert len([c for c in batches.calls() if c["batched"]]) == 1
    await lane.ensure_balanced()


async def test_of_an_expired_batch_what_is_done_is_kept_and_the_rest_is_bought_later(
    database: Database,
) -> None:
    texts = [f"text {number}" for number in range(30)]
    slow = (*OPTIONS, "--batch-seconds", "0.8", "--batch-window", "0.4")
    with running_simulator("openai", *slow) as provider:
        async with batching(provider, database) as lane:
            job = await lane.a_job()
            await lane.defer(job, *texts)
            for _ in range(2):
                await lane.hand_over()
                await lane.collect()
                await lane.go_on({job.lease.job_id: texts})

            batches = list(reversed(await lane.listed()))
            assert [batch.texts for batch in batches] == [30, 15, 8], "half of it each time"
            assert batches[0].error_code == "expired"
            assert provider.stats()["inputs_billed_again"] == 0
            assert (await lane.job_row(job))["attempt_count"] == 0
            await lane.ensure_balanced()


async def test_a_text_of_which_batches_give_nothing_ends_in_the_dead_letter(
    database: Database,
) -> None:
    with running_simulator("openai", *OPTIONS, "--batch-error-rate", "1") as provider:
        async with batching(provider, database) as lane:
            job = await lane.a_job()
            await lane.defer(job, *TEXTS)
            for _ in range(3):
                await lane.hand_over()
                await lane.collect()
                [again] = await builders.claim(database, lane=job.lane)
                deferred = await lane.defer(again, *TEXTS)

            [(_, error)] = deferred.failed
            assert error.code == "texts_failed"
            assert not error.retryable
            assert "HTTP 500" in error.message
            assert len(await lane.listed()) == 3
            assert provider.stats()["tokens_billed"] == 0
            assert (await lane.defer(again, *TEXTS)).failed == [], "a replay begins anew"


async def test_a_text_that_is_refused_is_left_out_and_named(lane: Batching) -> None:
    job, only = await lane.a_job(), await lane.a_job()
    texts = ("fine", "POISON", "good")
    await lane.defer(job, *texts)
    await lane.defer(only, "POISON too")
    await lane.hand_over()
    await lane.collect(batches=2)
    await lane.go_on({job.lease.job_id: texts, only.lease.job_id: ("POISON too",)})

    row, dead = await lane.job_row(job), await lane.job_row(only)
    assert row["state"] == "done"
    assert [(s["chunk_ord"], s["code"]) for s in row["skipped_chunks"]] == [(1, "input_refused")]
    assert (dead["state"], dead["last_error"]["code"]) == ("deadletter", "input_refused")


async def test_when_the_providers_queue_is_full_a_batch_is_handed_over_later(
    database: Database,
) -> None:
    texts = [" ".join(["word"] * 60) + f" {number}" for number in range(4)]
    with running_simulator("openai", *OPTIONS, "--batch-queue-tokens", "200") as provider:
        async with batching(provider, database, texts=2) as lane:
            job = await lane.a_job()
            await lane.defer(job, *texts)
            await lane.hand_over()
            await lane.collect()
            waiting = [batch for batch in await lane.listed() if batch.status == "submitting"]
            await lane.look_again()
            await lane.hand_over()
            await lane.collect()
            for _ in range(2):
                await lane.go_on({job.lease.job_id: texts})

            assert [batch.error_code for batch in waiting] == ["provider_unavailable"]
            assert (await lane.job_row(job))["state"] == "done"
            await lane.ensure_balanced()


async def test_a_batch_that_its_provider_lost_is_bought_again_and_said_so(
    lane: Batching, batches: Simulator
) -> None:
    job = await lane.a_job()
    await lane.defer(job, *TEXTS)
    await lane.hand_over()
    batches.reset()

    await lane.collect()
    await lane.go_on({job.lease.job_id: TEXTS})
    await lane.hand_over()
    await lane.collect()
    await lane.go_on({job.lease.job_id: TEXTS})

    first, second = await lane.calls()
    assert (first["state"], first["error_code"]) == ("unknown", "gone")
    assert second["state"] == "settled"
    assert (await lane.job_row(job))["state"] == "done"


async def test_results_that_came_by_half_are_read_again(lane: Batching, batches: Simulator) -> None:
    texts = [f"text {number}" for number in range(50)]
    job = await lane.a_job()
    await lane.defer(job, *texts)
    await lane.hand_over()
    await asyncio.sleep(0.4)
    batches.script("ok", "truncated")

    ended = await lane.collector.collect()
    kept = "SELECT 1 FROM upload_pipeline.document_vector_buffer WHERE embedding IS NOT NULL"
    half = len(await builders.fetch(lane.database, kept))
    await lane.collect()
    await lane.go_on({job.lease.job_id: texts})

    assert ended == 0
    assert 20 <= half <= 30
    assert (await lane.job_row(job))["state"] == "done"
    assert batches.stats()["inputs_billed"] == len(texts)
    await lane.ensure_balanced()


async def test_two_that_hand_over_and_collect_at_once_do_it_once(
    lane: Batching, batches: Simulator
) -> None:
    other = Batching(batches, lane.database)
    jobs = [await lane.a_job() for _ in range(6)]
    for job in jobs:
        await lane.defer(job, *TEXTS)

    submitted = await asyncio.gather(lane.hand_over(), other.hand_over())
    await asyncio.sleep(0.4)
    await asyncio.gather(*(each.collector.collect() for each in (lane, other) for _ in range(3)))
    await lane.go_on({job.lease.job_id: TEXTS for job in jobs})
    await other.close()

    assert sum(submitted) == 6
    assert len([call for call in batches.calls() if call["batched"]]) == 6
    assert [(await lane.job_row(job))["state"] for job in jobs] == ["done"] * 6
    await lane.ensure_balanced()
