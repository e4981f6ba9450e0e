"""The words of warnings, and the pages that a provider could not read."""

from collections.abc import Collection

import pytest

from ingest.adapters.parsers.llamaparse.result import assemble
from ingest.domain.parse_warning import ParseWarning, WarningCode, name_numbers


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([3], "page 3"),
        ([4, 2, 3], "pages 2 to 4"),
        ([1, 2], "pages 1 and 2"),
        ([9, 7, 2, 3, 4, 7], "pages 2 to 4, 7 and 9"),
        (range(1, 51, 2), "pages 1, " + ", ".join(map(str, range(3, 41, 2))) + " and 5 more"),
    ],
)
def test_pages_are_named_by_spans_of_their_numbers(numbers: Collection[int], words: str) -> None:
    assert name_numbers("page", numbers) == words


def test_pages_that_a_provider_could_not_read_are_named_and_stay_in_their_places() -> None:
    parsed = assemble(
        [(4, "Fourth."), (1, "First.")],
        failed_pages=[2, 3],
        parser="test",
        max_pages=10,
        max_text_chars=1000,
    )

    assert [page.number for page in parsed.pages] == [1, 2, 3, 4]
    assert parsed.warnings == (
        ParseWarning(WarningCode.PAGE_NOT_READ, "the provider could not read pages 2 and 3"),
    )


def test_a_provider_that_read_all_pages_gives_no_warning() -> None:
    assert assemble([(1, "All.")], parser="test", max_pages=1, max_text_chars=9).warnings == ()
