"""Warnings about documents, as lines for a person."""

from collections.abc import Iterator

from ingest.cli.output import Json, plural


def lines(body: Json, *, most: int | None = None) -> Iterator[str]:
    """Make a line for each warning of a document or a job.

    Args:
        body: The document or the job; an older gateway gives no warnings.
        most: Most warnings; None for all that the body has.
    """
    shown = (body.get("warnings") or [])[:most]
    yield from (f"{one['code']}: {one['message']}" for one in shown)
    rest = (body.get("warning_count") or 0) - len(shown)
    if rest > 0:
        yield f"and {rest:,} more"


def mark(body: Json) -> str:
    """The number of warnings, to follow a file name; empty when there are none."""
    count = body.get("warning_count") or 0
    return f" ({plural(count, 'warning')})" if count else ""
