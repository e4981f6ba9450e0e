"""Cursors: opaque strings that mark the end of a page in a newest-first list."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from ingest.domain.errors import InvalidRequest

Row = TypeVar("Row")
PageKey = tuple[datetime, UUID]


def encode(key: PageKey) -> str:
    """Make the cursor that continues after a row."""
    created_at, row_id = key
    text = f"{created_at.isoformat()}|{row_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str | None) -> PageKey | None:
    """Find the row after which a page starts; None for the first page.

    Raises:
        InvalidRequest: the cursor is not from this API.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        created_at, _, row_id = text.partition("|")
        key = datetime.fromisoformat(created_at), UUID(row_id)
    except (ValueError, binascii.Error) as exc:
        raise InvalidRequest(
            "the cursor is not from this API; start again without a cursor"
        ) from exc
    if key[0].tzinfo is None or not 1970 <= key[0].year <= 9000:
        raise InvalidRequest("the cursor is not from this API; start again without a cursor")
    return key


def cut(
    rows: Sequence[Row], limit: int, key_of: Callable[[Row], PageKey]
) -> tuple[Sequence[Row], str | None]:
    """Cut a page from rows; returns it with the cursor of the next page.

    Args:
        rows: The rows; one more than ``limit`` when there is a next page.
        limit: Most rows on a page.
        key_of: Returns the sort key of a row.
    """
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode(key_of(rows[limit - 1]))
