"""Tables and paragraphs in a narrow terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ingest.cli.folding import fold, widths
from ingest.cli.output import console, indented, table

JOB = "4f0b1d9e-2f54-4f5e-9c9e-1b8e1f8f0a11"


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def lines(renderable: object) -> list[str]:
    screen = console()
    with screen.capture() as captured:
        screen.print(renderable)
    return [line.rstrip() for line in captured.get().splitlines()]


def test_a_short_filename_is_whole_beside_a_long_one() -> None:
    rows = [
        ("contracts/2024/with-a-very-long-name/" * 2 + "a.pdf", "document_unreadable", "torn"),
        ("empty.txt", "document_empty", "the document has 0 bytes and therefore no text at all"),
    ]

    shown = lines(table(["file", "code", "detail"], rows, whole=["code"]))

    assert any(line.startswith("empty.txt  ") for line in shown)
    assert any(line.startswith("contracts/2024/with-a-very-") for line in shown)
    assert max(map(len, shown)) <= 80


def test_columns_that_are_to_be_copied_are_whole_and_messages_fold_at_spaces() -> None:
    message = "empty.txt: the parser took more time than the limit"

    shown = lines(
        table(
            ["job", "code", "file"],
            [(JOB, "parser_limit_exceeded", message)],
            whole=["job", "code"],
        )
    )

    assert shown[1].startswith(f"{JOB}  parser_limit_exceeded  ")
    assert [word for line in shown[1:] for word in line.split()][2:] == message.split()


def test_a_model_is_not_broken_where_there_is_room_for_it() -> None:
    model = "text-embedding-3-small@1"
    rows = [(model, f"197 in {model}, 12 in wordllama-l2-supercat@1", "and more of these words")]

    shown = "\n".join(lines(table(["served in", "documents", "note"], rows)))

    assert shown.count(model) == 2


def test_a_table_that_fits_is_as_wide_as_its_texts() -> None:
    assert lines(table(["file", "code"], [("a.txt", None)])) == ["file   code", "a.txt  -"]


def test_a_paragraph_breaks_a_path_after_a_slash() -> None:
    path = "/".join(["folder"] * 14)

    shown = lines(indented(f"hidden: {path}"))

    assert all(line.startswith("  ") for line in shown)
    assert shown[0].endswith("folder/")
    assert "".join(line[2:] for line in shown) == f"hidden: {path}"


@given(st.text(st.sampled_from("ab -/_文.")), st.integers(2, 30))
def test_no_line_is_wider_than_asked_and_nothing_is_lost(text: str, width: int) -> None:
    folded = fold(text, width)

    assert all(cell_len(line) <= width for line in folded.split("\n"))
    assert "".join(folded.split()) == "".join(text.split())


@given(st.text(st.sampled_from("ab -/"), max_size=60), st.integers(5, 20))
def test_a_word_that_fits_in_a_line_is_never_broken(text: str, width: int) -> None:
    fitting = [word for word in text.split() if len(word) <= width]
    words = fold(text, width).split()

    assert all(word in words for word in fitting)


@given(
    st.lists(
        st.tuples(st.lists(st.text("abc -/", max_size=90), min_size=1, max_size=4), st.booleans()),
        min_size=1,
        max_size=5,
    ),
    st.integers(20, 120),
)
def test_columns_share_the_room_and_none_is_wider_than_its_texts(
    columns: list[tuple[list[str], bool]], room: int
) -> None:
    texts, rigid = [one for one, _ in columns], [fixed for _, fixed in columns]

    given_ = widths(texts, rigid, room)

    natural = [max(map(len, one)) for one in texts]
    assert all(width <= full for width, full in zip(given_, natural, strict=True))
    least = sum(full if fixed else min(full, 8) for full, fixed in zip(natural, rigid, strict=True))
    assert sum(given_) <= max(room, least)
    assert sum(given_) == min(sum(natural), max(room, sum(given_)))
