"""Cursors: where a page of a newest-first list ends, in one opaque word."""

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
    """The cursor behind a row."""
    created_at, row_id = key
    text = f"{created_at.isoformat()}|{row_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str | None) -> PageKey | None:
    """The row behind which a page starts; None for the first page.

    Raises:
        InvalidRequest: the cursor was not made here.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        created_at, _, row_id = text.partition("|")
        key = datetime.fromisoformat(created_at), UUID(row_id)
    except (ValueError, binascii.Error) as exc:
        raise InvalidRequest("the cursor is not one that this API gave out") from exc
    if key[0].tzinfo is None or not 1970 <= key[0].year <= 9000:
        raise InvalidRequest("the cursor is not one that this API gave out")
    return key


def cut(
    rows: Sequence[Row], limit: int, key_of: Callable[[Row], PageKey]
) -> tuple[Sequence[Row], str | None]:
    """A page and the cursor of the next one.

    Args:
        rows: One more than ``limit`` when there is a next page.
        limit: Rows on a page.
        key_of: Where a row stands in the list.
    """
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], encode(key_of(rows[limit - 1]))
