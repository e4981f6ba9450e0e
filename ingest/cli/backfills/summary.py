"""The summary at the end of a backfill, for people and for programs."""

from rich.console import Console

from ingest.app.backfill.register import Registered
from ingest.cli.backfills.progress import Backfill, Ended
from ingest.cli.backfills.run_backfill import not_restored
from ingest.cli.output import Json, duration, facts, money, plural
from ingest.domain.index_timing import IndexTime
from ingest.domain.pricing import plain
from ingest.domain.tenant import Tenant

_ENDED = {
    Ended.ALL_DONE: "all jobs have ended",
    Ended.INTERRUPTED: "interrupted by a signal; run the same command again to resume",
    Ended.TIME_OVER: "the time of --pause-at has come; run the same command again to resume",
    Ended.MONEY_SPENT: "the money of --max-usd is spent; run the same command again to resume",
    Ended.SUBMITTED_ALL: "the rest is in provider batches; run the same command again to store "
    "the results",
}
_INDEX = {IndexTime.INLINE: "updated with each vector", IndexTime.AFTER: "built at the end"}


def show(screen: Console, done: Backfill, whose: Tenant, seconds: float) -> None:
    """Print the summary."""
    registered, counts, spent = done.registered, done.counts, done.spent
    rows: list[tuple[str, object]] = [
        ("run", done.run),
        ("tenant", whose.label),
        ("ended", _ENDED[done.ended]),
        ("found", plural(registered.listed, "object")),
        ("new", plural(registered.created, "object")),
        ("already there", _known(registered)),
        ("not taken", _refused(registered)),
        ("deleted", not_restored(registered.deleted) if registered.deleted else None),
        ("not begun", _left_over(registered.left_over)),
        ("searchable", plural(counts.done, "document")),
        ("warnings", _warned(done.warned)),
        ("failed", plural(counts.dead, "document") if counts.dead else None),
        ("unfinished", plural(counts.unfinished, "job") if counts.unfinished else None),
        ("in batches", plural(done.batched, "text") if done.batched else None),
        ("paid", f"{money(spent.usd)} for {spent.tokens:,} tokens" if spent.usd else None),
        ("vector index", _INDEX[done.index]),
        ("duration", duration(seconds)),
    ]
    screen.print(facts(rows))


def _known(registered: Registered) -> str | None:
    if not registered.there_already:
        return None
    unread = registered.unchanged
    note = f", {unread:,} of them unchanged since the last run" if unread else ""
    return plural(registered.there_already, "object") + note


def _refused(registered: Registered) -> str | None:
    if not registered.refused:
        return None
    codes = registered.refused.most_common()
    reasons = ", ".join(f"{count:,} {code.replace('_', ' ')}" for code, count in codes)
    return f"{plural(registered.refused.total(), 'object')}: {reasons}"


def _warned(count: int) -> str | None:
    return f"{plural(count, 'document')}; 'ingest warnings' lists them" if count else None


def _left_over(count: int) -> str | None:
    return f"{plural(count, 'object')}; run the same command again to take them" if count else None


def as_json(done: Backfill, whose: Tenant, seconds: float) -> Json:
    """Convert the summary to JSON."""
    registered = done.registered
    return {
        "run": done.run,
        "tenant": whose.label,
        "tenant_id": whose.tenant_id,
        "ended": done.ended.value,
        "objects": registered.listed,
        "registered": registered.created,
        "there_already": registered.there_already,
        "unchanged": registered.unchanged,
        "deleted": registered.deleted,
        "not_taken": dict(registered.refused),
        "left_over": registered.left_over,
        "searchable": done.counts.done,
        "with_warnings": done.warned,
        "failed": done.counts.dead,
        "unfinished": done.counts.unfinished,
        "in_batches": done.batched,
        "tokens": done.spent.tokens,
        "usd": plain(done.spent.usd),
        "index": done.index.value,
        "seconds": round(seconds, 1),
    }
