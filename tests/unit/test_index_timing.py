"""When a load is indexed at its end."""

import pytest

from ingest.domain.index_timing import (
    CHUNKS_PER_DOCUMENT,
    NOTHING_CHUNKS,
    WORTH_CHUNKS,
    IndexTime,
    indexes_after,
)

MANY = WORTH_CHUNKS // CHUNKS_PER_DOCUMENT


@pytest.mark.parametrize(
    ("documents", "stored_before", "expected"),
    [
        (MANY, 0, True),
        (MANY - 1, 0, False),
        (MANY, NOTHING_CHUNKS, True),
        (100 * MANY, NOTHING_CHUNKS + 1, False),
        (0, 0, False),
    ],
)
def test_a_large_load_into_next_to_nothing_is_indexed_after(
    documents: int, stored_before: int, *, expected: bool
) -> None:
    found = indexes_after(IndexTime.AUTO, documents=documents, stored_before=stored_before)

    assert found is expected


@pytest.mark.parametrize("documents", [0, MANY])
@pytest.mark.parametrize("stored_before", [0, 10 * NOTHING_CHUNKS])
def test_what_the_user_says_goes_before(documents: int, stored_before: int) -> None:
    found = {
        wanted: indexes_after(wanted, documents=documents, stored_before=stored_before)
        for wanted in (IndexTime.INLINE, IndexTime.AFTER)
    }

    assert found == {IndexTime.INLINE: False, IndexTime.AFTER: True}
