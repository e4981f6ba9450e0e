"""Writes what a run showed: a page for people, a line of JSON for machines."""

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.report import machine, percentile
from tests.chaos.hostile import Tried
from tests.chaos.rig import LEASE_SECONDS
from tests.chaos.run import Outcome
from tests.chaos.schedule import KILLED_ACTORS, SECONDS

_PROMISES = {
    "lost": "uploads lost",
    "stuck": "jobs stuck",
    "content": "differences from the fresh ingest",
    "duplicate": "duplicates",
    "partial": "partial reads",
    "illegal": "illegal changes of state",
    "lease": "leases without a claim",
    "paid twice": "texts paid for again for any other reason",
    "ledger": "differences between the ledger and the providers' accounts",
}
_KILLED = {*KILLED_ACTORS, "worker node", "PostgreSQL", "PostgreSQL backend"}
_PAGE = """\
<!-- Written by `make chaos`; do not edit. -->
# Reliability

`make chaos` feeds a whole system with documents of three tenants and meanwhile kills, pauses and
disconnects its parts, by a schedule that follows from a seed. Then a checker that shares no code
with the pipeline reads the database, the blobs and the accounts of the simulated providers, and
compares every chunk with a fresh ingest of the same files in one process. In the end it saves the
system, restores it into another database and folder, and judges what is there in the same way.

{run}

## What went through

| | |
|---|--:|
{through}

## What was wrong

A reader looked {samples:,} times during the run, at {views:,} published documents in all.

| | |
|---|--:|
{wrong}

Of {tokens:,} tokens, {again:,} were paid for again because what they bought first could not be
kept: the provider broke the answer off, the embed actor or its node was killed with it, or the
lease was lost meanwhile. {copied:,} more were paid for because a tenant's copies of a text were
under way in different requests at the same time; a text is found again only once it is stored.

## Recovery

Seconds from the end of a fault, p50 / p95. A kill ends at once; a pause or an outage when it is
over; a crashed server or a lost node when it was started again. *Accepted*: an upload that was sent
after it is answered. *Searchable*: a document that was claimed after it is published. *Ended*: the
jobs that were under way when it struck.

| fault | lasted | times | hit | accepted | searchable | ended |
|---|--:|--:|--:|--:|--:|--:|
{recovery}

Leases last {lease} s here (`INGEST_LEASE_SECONDS`) and are looked at every second
(`INGEST_RESCUE_INTERVAL_SECONDS`), so that many are lost. A paused actor is stopped together with
the claim source, which keeps the leases alive, and goes on when others hold its jobs. *Nothing* is
an instant without a fault, to compare with.

## Hostile input

Beside the attack, {by_hand:,} requests and files that were made to do harm were tried, and
{generated:,} requests that schemathesis made from the description of the API. Each was refused in
words or served as described; none led to an error of the server.

## What was not done

{left_out}
"""
_LEFT_OUT = (
    "LlamaParse's simulator was cut off and hung, not killed: it would forget the parses it was\n"
    "  given, which the service does not.",
    "OpenAI's simulator refused everything for half a second before it was killed, so that its\n"
    "  accounts could be copied.",
    "What dead processes leave open at a provider ends by deadlines of three and five minutes;\n"
    "  after the feed these were brought forward.",
)


def write(outcome: Outcome, page: Path, tried: Tried) -> None:
    """Write the page."""
    counts, found = outcome.counts, Counter(finding.kind for finding in outcome.findings)
    text = _PAGE.format(
        run=_run(outcome),
        through=_table(_through(outcome)),
        samples=outcome.samples,
        views=outcome.views,
        wrong=_table({name: found[kind] for kind, name in _PROMISES.items()}),
        again=outcome.interrupted_tokens,
        copied=outcome.copied_tokens,
        tokens=counts["tokens"],
        recovery="\n".join(_recovery(outcome)),
        lease=LEASE_SECONDS,
        by_hand=tried.by_hand,
        generated=tried.generated,
        left_out="\n".join(f"* {entry}" for entry in (*_LEFT_OUT, *_impossible(outcome))),
    )
    page.write_text(text, encoding="utf-8")


def line(outcome: Outcome, tried: Tried) -> str:
    """The figures as one line of JSON."""
    figures: dict[str, Any] = {
        "seed": outcome.plan.seed,
        "commit": outcome.version,
        "machine": machine(),
        "minutes": round(outcome.plan.seconds / 60, 1),
        "took_seconds": round(outcome.took),
        "rested_in_seconds": round(outcome.rested_in, 1),
        "backup_seconds": round(outcome.drill.backup_seconds, 1),
        "restore_seconds": round(outcome.drill.restore_seconds, 1),
        "uploads": outcome.uploads,
        **outcome.counts,
        "samples": outcome.samples,
        "documents_looked_at": outcome.views,
        "findings": dict(Counter(finding.kind for finding in outcome.findings)),
        "interrupted_tokens": outcome.interrupted_tokens,
        "copied_tokens": outcome.copied_tokens,
        "left_out": list(outcome.left_out),
        "hostile_inputs": tried.by_hand,
        "generated_requests": tried.generated,
        "faults": {
            kind: {
                "times": found.faults,
                "hits": found.hits,
                "accepted_seconds": _quantiles(found.accepted),
                "published_seconds": _quantiles(found.published),
                "ended_seconds": _quantiles(found.finished),
            }
            for kind, found in outcome.recoveries.items()
        },
    }
    return json.dumps(figures)


def _run(outcome: Outcome) -> str:
    plan, where = outcome.plan, machine()
    return (
        f"Run on {datetime.now(UTC).date()} at `{outcome.version}` with seed {plan.seed}: "
        f"{plan.seconds / 60:g} minutes of faults, {outcome.took / 60:.0f} minutes in all.\n"
        f"{where['cpus']} cores, {where['memory_gb']} GB, {where['system']}, "
        f"Python {where['python']}, Ray {where['ray']}; two Ray nodes, PostgreSQL and\n"
        "the simulated providers on the same machine, which did other work, too."
    )


def _through(outcome: Outcome) -> dict[str, object]:
    counts = outcome.counts
    hits = sum(r.hits for kind, r in outcome.recoveries.items() if kind != "nothing")
    kills = sum(r.hits for kind, r in outcome.recoveries.items() if kind in _KILLED)
    return {
        "faults that hit something": hits,
        "of these, kills": kills,
        "uploads accepted": outcome.uploads,
        "jobs done": counts["done"],
        "jobs refused, as they must be": counts["dead"],
        "jobs superseded by a newer version": counts["superseded"],
        "documents searchable": counts["documents"],
        "chunks searchable": counts["chunks"],
        "leases lost and rescued": counts["rescues"],
        "seconds from the end of the feed until everything had ended": round(outcome.rested_in),
        "seconds to save everything (`ingest backup`)": round(outcome.drill.backup_seconds, 1),
        "seconds to restore it (`ingest restore`)": round(outcome.drill.restore_seconds, 1),
    }


def _table(rows: dict[str, Any]) -> str:
    return "\n".join(f"| {name} | {value:,} |" for name, value in rows.items())


def _recovery(outcome: Outcome) -> list[str]:
    rows = []
    for kind, seconds in SECONDS.items():
        if (found := outcome.recoveries.get(kind)) is None:
            continue
        columns = (_shown(v) for v in (found.accepted, found.published, found.finished))
        name = f"{kind} killed" if kind in _KILLED else kind
        lasted = f"{seconds:g} s" if seconds else ""
        rows.append(
            f"| {' | '.join((name, lasted, str(found.faults), str(found.hits), *columns))} |"
        )
    return rows


def _impossible(outcome: Outcome) -> list[str]:
    return [
        f"{kind}: this machine does not let us mount a file system of its own for it."
        for kind in outcome.left_out
    ]


def _quantiles(values: Sequence[float]) -> list[float] | None:
    if not values:
        return None
    return [round(statistics.median(values), 2), round(percentile(values, 0.95), 2)]


def _shown(values: Sequence[float]) -> str:
    found = _quantiles(values)
    return f"{found[0]:.1f} / {found[1]:.1f}" if found else ""
