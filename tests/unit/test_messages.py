"""Batches between stages: one payer and one model each, whoever packs them."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from ingest.app.pipeline.messages import Batch
from ingest.domain.job import Degraded, Lane
from tests.unit.embed_fixtures import a_batch


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": uuid4()},
        {"lane": Lane.BATCH},
        {"served_in": "another-model@1"},
        {"degraded": frozenset({Degraded.EMBEDDER})},
    ],
    ids=["tenant", "lane", "space", "fallback"],
)
def test_jobs_that_one_call_may_not_embed_together_make_no_batch(change: dict[str, Any]) -> None:
    batch = a_batch(["a"], ["b"])
    first, second = batch.jobs

    with pytest.raises(ValueError, match="2 tenants, lanes or vector spaces"):
        Batch((first, replace(second, **change)), batch.documents)


def test_a_batch_has_a_document_for_each_job() -> None:
    batch = a_batch(["a"], ["b"])

    with pytest.raises(ValueError, match="2 jobs with 1 documents"):
        Batch(batch.jobs, batch.documents[:1])


def test_a_batch_that_lost_all_its_jobs_is_empty() -> None:
    batch = a_batch(["a"], ["b"])

    left = batch.without(frozenset(job.lease.job_id for job in batch.jobs))

    assert (left.jobs, left.chunks) == ((), [])
