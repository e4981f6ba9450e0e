"""Where in its document a chunk is: the page and the headings above it."""

from bisect import bisect_right
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.chunk import Landmarks
from ingest.domain.document import Heading, Page, ParsedDocument


def a_document(
    *, pages: tuple[Page, ...] = (), headings: tuple[Heading, ...] = ()
) -> ParsedDocument:
    return ParsedDocument("x" * 1000, pages, headings, "test/1")


def test_a_character_is_on_the_page_that_holds_it() -> None:
    marks = Landmarks(a_document(pages=(Page(1, 0, 100), Page(2, 102, 200), Page(4, 202, 300))))

    found = [marks.page_at(char) for char in (0, 99, 101, 102, 201, 202, 999)]

    assert found == [1, 1, 1, 2, 2, 4, 4]


def test_what_comes_before_the_first_page_belongs_to_it() -> None:
    assert Landmarks(a_document(pages=(Page(3, 10, 20),))).page_at(0) == 3


def test_without_pages_there_is_no_page() -> None:
    assert Landmarks(a_document()).page_at(0) is None


def test_the_heading_path_names_the_headings_that_are_in_force() -> None:
    marks = Landmarks(
        a_document(
            headings=(
                Heading(10, 1, "Guide"),
                Heading(20, 3, "Detail"),
                Heading(30, 2, "Part"),
                Heading(40, 2, "Next part"),
                Heading(50, 1, "Appendix"),
            )
        )
    )

    found = {char: marks.heading_path_at(char) for char in (9, 10, 25, 30, 45, 999)}

    assert found == {
        9: (),
        10: ("Guide",),
        25: ("Guide", "Detail"),
        30: ("Guide", "Part"),
        45: ("Guide", "Next part"),
        999: ("Appendix",),
    }


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 6)), max_size=20), st.integers(0, 99))
def test_levels_grow_along_every_heading_path(steps: list[tuple[int, int]], char: int) -> None:
    starts = list(accumulate(gap for gap, _ in steps))
    levels = [level for _, level in steps]
    headings = tuple(
        Heading(start, level, str(number))
        for number, (start, level) in enumerate(zip(starts, levels, strict=True))
    )

    path = [int(title) for title in Landmarks(a_document(headings=headings)).heading_path_at(char)]

    passed = bisect_right(starts, char)
    assert path == sorted(path)
    assert path[-1:] == ([passed - 1] if passed else [])
    assert [levels[n] for n in path] == sorted({levels[n] for n in path})
    for above, below in pairwise(path):
        assert all(levels[n] >= levels[below] for n in range(above + 1, below))
