"""Compares the ledger with the providers' own accounts: nothing unpaid, nothing paid for twice."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg

from tests.chaos.evidence import Charged, Evidence, Finding

Row = dict[str, Any]
Paid = dict[tuple[UUID, str], list[tuple[Row, Charged]]]
"""The charged calls by tenant and text, in the order in which they were reserved."""
EVERYBODY = UUID(int=0)
ENDS_EMBEDDERS = {"embed actor", "worker node"}
"""Kinds of faults after which Ray repeats a call of the embed stage under the same lease."""
COMMIT = timedelta(seconds=2)
"""Rows carry the time at which their transaction began; others see them when it ends."""
CALLS = """
    SELECT call_id::text AS call_id, user_id, provider, state, units, usd, reserved_at
    FROM upload_pipeline.provider_calls ORDER BY reserved_at
"""
SPENDING = "SELECT user_id, period, reserved_usd, spent_usd FROM upload_pipeline.spending"
LOST_LEASES = """
    SELECT j.user_id, j.file_sha256, e.at FROM upload_pipeline.events AS e
    JOIN upload_pipeline.upload_jobs AS j USING (job_id)
    WHERE e.from_state = 'working' AND e.state NOT IN ('working', 'done')
"""
STORED = """
    SELECT user_id, encode(chunk_sha, 'hex') AS sha, min(created_at) AS at
    FROM upload_pipeline.document_chunks GROUP BY 1, 2
"""


def check_books(connection: "psycopg.Connection[Any]", evidence: Evidence) -> Iterator[Finding]:
    """Everything that is wrong with the money."""
    calls = list(connection.execute(CALLS.encode()).fetchall())
    spending = list(connection.execute(SPENDING.encode()).fetchall())
    yield from _check_spending(calls, spending)
    yield from _check_embedding(calls, evidence)
    yield from _check_parsing(calls, evidence)
    for user_id, text, why in paid_twice(connection, evidence)[1]:
        yield Finding("paid twice", f"tenant {user_id}, text {text[:12]}: {why}")


def _check_spending(calls: list[Row], spending: list[Row]) -> Iterator[Finding]:
    yield from (
        Finding("ledger", f"call {call['call_id']} is still reserved")
        for call in calls
        if call["state"] == "reserved"
    )
    sums: dict[UUID, Decimal] = defaultdict(Decimal)
    for call in calls:
        sums[call["user_id"]] += call["usd"]
        sums[EVERYBODY] += call["usd"]
    spent: dict[tuple[str, UUID], Decimal] = defaultdict(Decimal)
    for row in spending:
        spent[row["period"], row["user_id"]] += row["spent_usd"]
        if row["reserved_usd"]:
            yield Finding("ledger", f"{row['user_id']} has {row['reserved_usd']} USD set aside")
    for period in ("day", "month"):
        for user_id, usd in sums.items():
            if spent[period, user_id] != usd:
                said = spent[period, user_id]
                yield Finding("ledger", f"{user_id} spent {usd} USD, the {period} says {said}")


def _check_embedding(calls: list[Row], evidence: Evidence) -> Iterator[Finding]:
    ours = {call["call_id"]: call for call in calls if call["provider"] == "openai"}
    charged = {call.call_id: call for call in evidence.bills.embedding}
    for call_id, call in charged.items():
        known = ours.get(call_id)
        if known is None:
            yield Finding("ledger", f"call {call_id} was charged and is not in the ledger")
        elif known["units"] != call.units:
            said = f"{known['units']} ({known['state']})"
            yield Finding("ledger", f"call {call_id}: {call.units} tokens charged, not {said}")
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


def paid_twice(
    connection: "psycopg.Connection[Any]", evidence: Evidence
) -> tuple[int, list[tuple[UUID, str, str]]]:
    """Texts that a tenant paid for more than once.

    A second payment is excused when what the first one bought could not be kept: the provider
    spoiled or dropped the answer, the process was killed with it, or the lease was lost under
    which it would have been stored; and when no such text was stored by then.

    Returns:
        Tokens paid for again with an excuse, and tenant, text and circumstances of those without.
    """
    sizes = {
        sha256(passage.text.encode()).hexdigest(): passage.token_count
        for passages in evidence.passages.values()
        for passage in passages
    }
    stored = {
        (row["user_id"], row["sha"]): row["at"]
        for row in connection.execute(STORED.encode()).fetchall()
    }
    lost = _lost_leases(connection, evidence)
    excused, unexcused = 0, []
    for (user_id, text), calls in _paid(connection, evidence).items():
        for (first, answer), (second, _) in pairwise(calls):
            since, until = first["reserved_at"], second["reserved_at"]
            kept = stored.get((user_id, text))
            if kept is not None and kept < until - COMMIT:
                unexcused.append((user_id, text, f"stored at {kept}, paid again at {until}"))
            elif (
                answer.answer_spoiled
                or first["state"] == "unknown"
                or _struck(evidence, since, until)
                or any(since <= at <= until for at in lost[user_id, text])
            ):
                excused += sizes.get(text, 0)
            else:
                unexcused.append((user_id, text, f"paid at {since} and again at {until}"))
    return excused, unexcused


def _paid(connection: "psycopg.Connection[Any]", evidence: Evidence) -> Paid:
    charged = {call.call_id: call for call in evidence.bills.embedding}
    paid: Paid = defaultdict(list)
    for row in connection.execute(CALLS.encode()).fetchall():
        call = charged.get(row["call_id"])
        for text in call.texts if call else ():
            paid[row["user_id"], text].append((row, call))
    return paid


def _lost_leases(
    connection: "psycopg.Connection[Any]", evidence: Evidence
) -> dict[tuple[UUID, str], list[datetime]]:
    """When jobs lost their leases, by tenant and each text of their content."""
    lost: dict[tuple[UUID, str], list[datetime]] = defaultdict(list)
    for row in connection.execute(LOST_LEASES.encode()).fetchall():
        for passage in evidence.passages.get(row["file_sha256"], ()):
            lost[row["user_id"], sha256(passage.text.encode()).hexdigest()].append(row["at"])
    return lost


def _struck(evidence: Evidence, since: datetime, until: datetime) -> bool:
    return any(
        blow.kind in ENDS_EMBEDDERS and blow.began <= until and since <= blow.ended
        for blow in evidence.blows
    )
