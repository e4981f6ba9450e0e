"""The checker finds nothing in a run that kept its promises, and finds each promise broken."""

import asyncio
from typing import Any

import pytest

from ingest.adapters.postgres.documents import publish
from ingest.adapters.postgres.statements import load
from tests.chaos.workshop import Workshop, happen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
_JOBS, _CLAIM, _LEASES = load("upload_jobs"), load("claim"), load("leases")
_PAUSE_SECONDS = 0.3
"""Between the halves of a publish; the sampler looks several times as often."""


async def test_a_run_that_keeps_its_promises_passes(workshop: Workshop) -> None:
    await happen(workshop)

    assert await workshop.findings() == []
    assert workshop.sampler.samples > 0


async def test_fencing_off_is_found(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes with a lease writes, whether it is the current one or not."""
    for statements, name in (
        (_LEASES, "lock_leases"),
        (_LEASES, "held_leases"),
        (_JOBS, "advance_stored"),
    ):
        changed = _changed(statements[name], "AND j.lease_token = b.lease_token", "")
        monkeypatch.setitem(statements, name, _changed(changed, "WHERE j.state = 'working'", ""))

    await happen(workshop)

    kinds = {finding.kind for finding in await workshop.findings()}
    assert kinds & {"content", "duplicate"}
    assert "partial" in kinds


async def test_publishing_in_two_transactions_is_found(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old version goes in one transaction, the new one comes in another."""
    replace = publish._replace

    async def replace_and_commit(connection: Any, *rest: Any, **options: Any) -> None:
        await replace(connection, *rest, **options)
        await connection.execute("COMMIT")
        await asyncio.sleep(_PAUSE_SECONDS)
        await connection.execute("BEGIN")

    monkeypatch.setattr(publish, "_replace", replace_and_commit)

    await happen(workshop)

    assert {finding.kind for finding in await workshop.findings()} == {"partial"}


async def test_a_claim_without_lease_is_found(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that somebody works on are claimed like those that nobody works on."""
    claimable = "('queued', 'retryable')"
    changed = _changed(_CLAIM["claim_jobs"], claimable, "('queued', 'retryable', 'working')")
    monkeypatch.setitem(_CLAIM, "claim_jobs", changed)

    await happen(workshop)

    kinds = {finding.kind for finding in await workshop.findings()}
    assert "lease" in kinds


def _changed(statement: str, old: str, new: str) -> str:
    assert old in statement, "the mutant does not fit the statement any more"
    return statement.replace(old, new)
