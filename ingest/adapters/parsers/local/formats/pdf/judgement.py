"""Whether cells that stand below each other are a table, or text in columns, a list, contents."""

import re
from itertools import pairwise

_MIN_ROWS = 3
_MIN_COLUMNS_OF_TWO_ROWS = 4
_LONG_CHARS = 45
_LABEL = re.compile(r"^\W*(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})?[.):\]]?\W*$")
_LEADER = re.compile(r"(?:\.\s?){4,}|…{2,}|_{5,}")


def is_label(text: str) -> bool:
    """Whether a text is the mark or number of an item of a list."""
    return len(text) < 8 and _LABEL.match(text) is not None and not text.isdigit()


def is_number(text: str) -> bool:
    """Whether a text has digits and no letters."""
    return any(map(str.isdigit, text)) and not any(map(str.isalpha, text))


def is_table(rows: list[list[str]], *, ruled: bool) -> bool:
    """Judge rows of cells.

    Args:
        rows: Each with one text for each column.
        ruled: Whether lines divide the rows.
    """
    several = [row for row in rows if sum(map(bool, row)) > 1]
    width = len(rows[0])
    least = 2 if width >= _MIN_COLUMNS_OF_TWO_ROWS and _is_full(rows) else _MIN_ROWS
    if len(several) < least or len(several) < 0.4 * len(rows):
        return False
    filled = [cell for row in several for cell in row if cell]
    if len(filled) < 0.35 * width * len(several) or any(map(_LEADER.search, filled)):
        return False
    columns = [column for at in range(width) if (column := [row[at] for row in several if row[at]])]
    if len(columns) < 2 or (_is_prose(columns) and not ruled):
        return False
    if width == 2 and (_is_list(columns[0]) or _is_contents(several)):
        return False
    long = sum(sorted(map(len, column))[len(column) // 2] > _LONG_CHARS for column in columns)
    return ruled or long <= (0 if width == 2 else max(1, width // 3))


def _is_full(rows: list[list[str]]) -> bool:
    """Whether the last row has a number in most columns."""
    return 2 * sum(any(map(str.isdigit, cell)) for cell in rows[-1]) > len(rows[-1])


def _is_list(column: list[str]) -> bool:
    return sum(map(bool, map(_LABEL.match, column))) > 0.6 * len(column)


def _is_prose(columns: list[list[str]]) -> bool:
    """Whether cells of two columns go on in the cell below, as lines of text do."""
    wordy = [
        column for column in columns if sum(cell.count(" ") for cell in column) > 3 * len(column)
    ]
    if len(wordy) < 2 or len(wordy) < 0.5 * len(columns):
        return False
    steps = [(above, below) for column in wordy for above, below in pairwise(column)]
    going = sum(below[0].islower() or above[-1] in ",-\x02\ufffe" for above, below in steps)
    return going > 0.4 * len(steps)


def _is_contents(rows: list[list[str]]) -> bool:
    """Whether the second column gives pages: numbers that never fall, below names."""
    pages = [row[1] for row in rows if row[1]]
    if not all(page.isdigit() for page in pages):
        return False
    numbers = list(map(int, pages))
    return numbers == sorted(numbers) and any(row[0][:1].isdigit() for row in rows)
