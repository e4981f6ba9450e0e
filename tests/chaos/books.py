"""Compares the ledger with the providers' own accounts: nothing unpaid, nothing paid for twice."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg

from ingest.domain.identity import ALL_TENANTS
from tests.chaos.evidence import Charged, Evidence, Finding
from tests.chaos.texts import COMMIT, digest_of, lives_of

Row = dict[str, Any]
Paid = dict[tuple[UUID, str], list[tuple[Row, Charged]]]
"""The charged calls by tenant and text, in the order in which they were reserved."""
ENDS_EMBEDDERS = {"embed actor", "worker node"}
"""Kinds of faults after which Ray repeats a call of the embed stage under the same lease."""
CALLS = """
    SELECT call_id::text AS call_id, tenant_id, purpose, provider, state, units, usd, reserved_at
    FROM upload_pipeline.provider_calls ORDER BY reserved_at
"""
SPENDING = """
    SELECT purpose, tenant_id, period, reserved_usd, spent_usd FROM upload_pipeline.spending
"""
STORED = """
    SELECT tenant_id, encode(chunk_sha, 'hex') AS sha, min(created_at) AS at
    FROM upload_pipeline.document_chunks GROUP BY 1, 2
"""


def check_books(connection: "psycopg.Connection[Any]", evidence: Evidence) -> Iterator[Finding]:
    """Everything that is wrong with the money."""
    calls = list(connection.execute(CALLS.encode()).fetchall())
    spending = list(connection.execute(SPENDING.encode()).fetchall())
    yield from _check_spending(calls, spending)
    yield from _check_embedding(calls, evidence)
    yield from _check_parsing(calls, evidence)
    for tenant_id, text, why in paid_twice(connection, evidence).unexcused:
        yield Finding("paid twice", f"tenant {tenant_id}, text {text[:12]}: {why}")


def _check_spending(calls: list[Row], spending: list[Row]) -> Iterator[Finding]:
    yield from (
        Finding("ledger", f"call {call['call_id']} is still reserved")
        for call in calls
        if call["state"] == "reserved"
    )
    sums: dict[tuple[str, UUID], Decimal] = defaultdict(Decimal)
    for call in calls:
        sums[call["purpose"], call["tenant_id"]] += call["usd"]
        sums[call["purpose"], ALL_TENANTS] += call["usd"]
    spent: dict[tuple[str, str, UUID], Decimal] = defaultdict(Decimal)
    for row in spending:
        spent[row["period"], row["purpose"], row["tenant_id"]] += row["spent_usd"]
        if row["reserved_usd"]:
            yield Finding("ledger", f"{row['tenant_id']} has {row['reserved_usd']} USD set aside")
    for period in ("day", "month"):
        for (purpose, tenant_id), usd in sums.items():
            said = spent[period, purpose, tenant_id]
            if said != usd:
                who = f"{tenant_id} for {purpose}"
                yield Finding("ledger", f"{who} spent {usd} USD, the {period} says {said}")


def _check_embedding(calls: list[Row], evidence: Evidence) -> Iterator[Finding]:
    ours = {call["call_id"]: call for call in calls if call["provider"] == "openai"}
    charged = {call.call_id: call for call in evidence.bills.embedding}
    for call_id, bill in charged.items():
        known = ours.get(call_id)
        if known is None:
            yield Finding("ledger", f"call {call_id} was charged and is not in the ledger")
        elif known["units"] != bill.units:
            said = f"{known['units']} ({known['state']})"
            yield Finding("ledger", f"call {call_id}: {bill.units} tokens charged, not {said}")
    for call_id, call in ours.items():
        if call["state"] == "settled" and call_id not in charged:
            yield Finding("ledger", f"call {call_id} is settled and was not charged")


def _check_parsing(calls: list[Row], evidence: Evidence) -> Iterator[Finding]:
    ours = [call for call in calls if call["provider"] == "llamaparse"]
    settled = sum(call["units"] for call in ours if call["state"] == "settled")
    unknown = sum(call["units"] for call in ours if call["state"] == "unknown")
    billed, twice = evidence.bills.parsing_credits, evidence.bills.contents_parsed_twice
    if not settled <= billed <= settled + unknown:
        said = f"{settled} credits, {unknown} uncertain ones"
        yield Finding("ledger", f"{billed} credits were charged, the ledger says {said}")
    if twice:
        yield Finding("paid twice", f"{twice} contents were handed over for parsing once more")


@dataclass
class Again:
    """What tenants paid for more than once."""

    interrupted_tokens: int = 0
    """What the first payment bought was not there: the provider spoiled the answer, the process
    was killed with it, the lease was lost under which it would have been stored, or no version
    of a document that is served has the text any more."""
    copied_tokens: int = 0
    """Another job with the same text was under way at the same time."""
    unexcused: list[tuple[UUID, str, str]] = field(default_factory=list)
    """Tenant, text and circumstances."""


def paid_twice(connection: "psycopg.Connection[Any]", evidence: Evidence) -> Again:
    """Compare each payment for a text with the one before."""
    sizes = {
        digest_of(passage): passage.token_count
        for passages in evidence.passages.values()
        for passage in passages
    }
    stored = {
        (row["tenant_id"], row["sha"]): row["at"]
        for row in connection.execute(STORED.encode()).fetchall()
    }
    lives = lives_of(connection, evidence)
    again = Again()
    for (tenant_id, text), calls in _paid(connection, evidence).items():
        for (first, answer), (second, _) in pairwise(calls):
            since, until = first["reserved_at"], second["reserved_at"]
            kept, life = stored.get((tenant_id, text)), lives[tenant_id, text]
            was_there = kept is not None and kept < until - COMMIT
            if not was_there and (
                answer.answer_spoiled
                or first["state"] == "unknown"
                or _struck(evidence, since, until)
                or any(since <= at <= until for at in (*life.lost, *life.removed))
            ):
                again.interrupted_tokens += sizes.get(text, 0)
            elif life.copied(kept or until, until):
                again.copied_tokens += sizes.get(text, 0)
            else:
                when = f"paid at {since}, stored at {kept}, paid again at {until}"
                again.unexcused.append((tenant_id, text, f"{when}; {life}"))
    return again


def _paid(connection: "psycopg.Connection[Any]", evidence: Evidence) -> Paid:
    charged = {call.call_id: call for call in evidence.bills.embedding}
    paid: Paid = defaultdict(list)
    for row in connection.execute(CALLS.encode()).fetchall():
        if (call := charged.get(row["call_id"])) is not None:
            for text in call.texts:
                paid[row["tenant_id"], text].append((row, call))
    return paid


def _struck(evidence: Evidence, since: datetime, until: datetime) -> bool:
    return any(
        blow.kind in ENDS_EMBEDDERS and blow.began <= until and since <= blow.ended
        for blow in evidence.blows
    )
