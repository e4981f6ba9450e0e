"""Tables whose cells are ruled boxes."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ingest.adapters.parsers.local.formats.pdf.judgement import is_number
from ingest.adapters.parsers.local.formats.pdf.rows import WordRow, joined_words, rows_of
from ingest.adapters.parsers.local.formats.pdf.rulings import Rule, Rulings
from ingest.adapters.parsers.local.formats.pdf.table import FoundTable, merge_rows
from ingest.adapters.parsers.local.formats.pdf.words import Word

_TOUCH = 3.0
_MAX_LINES = 400
_OPEN = 12.0
_MAX_WIDE = 2
_MANY_NUMBERS = 4
_SAME_BASE = 3.0


def ruled_tables(words: Sequence[Word], rulings: Rulings) -> list[FoundTable]:
    """Find grids of at least two columns and two rows, with the words in their cells."""
    if len(rulings.across) < 2 or len(rulings.down) < 2:
        return []
    if len(rulings.across) + len(rulings.down) > _MAX_LINES:
        return []
    tables = []
    for across, down in _grids(rulings):
        table = _fill(words, across, down)
        if table is not None:
            tables.append(table)
    return tables


def _grids(rulings: Rulings) -> list[tuple[list[Rule], list[Rule]]]:
    """Group lines that cross or touch each other."""
    parent = list(range(len(rulings.across) + len(rulings.down)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for h, (y, left, right) in enumerate(rulings.across):
        for v, (x, top, bottom) in enumerate(rulings.down, start=len(rulings.across)):
            if left - _TOUCH <= x <= right + _TOUCH and top - _TOUCH <= y <= bottom + _TOUCH:
                parent[root(h)] = root(v)
    groups: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for at, rule in enumerate([*rulings.across, *rulings.down]):
        group = groups.setdefault(root(at), ([], []))
        group[at >= len(rulings.across)].append(rule)
    return [group for group in groups.values() if len(group[0]) >= 2 and len(group[1]) >= 2]


def _edges(rules: list[Rule]) -> list[float]:
    edges: list[float] = []
    for at, _, _ in sorted(rules):
        if not edges or at - edges[-1] > _TOUCH:
            edges.append(at)
    return edges


def _with_open_sides(xs: list[float], across: list[Rule]) -> list[float]:
    """Add the sides of columns that have lines above and below, and no outer side."""
    left, right = _usual(rule[1] for rule in across), _usual(rule[2] for rule in across)
    return [
        *([left] if xs[0] - left > _OPEN else []),
        *xs,
        *([right] if right - xs[-1] > _OPEN else []),
    ]


def _usual(ends: Iterable[float]) -> float:
    ordered = sorted(ends)
    return ordered[len(ordered) // 2]


def _fill(words: Sequence[Word], across: list[Rule], down: list[Rule]) -> FoundTable | None:
    xs, ys = _with_open_sides(_edges(down), across), _edges(across)
    if len(xs) < 3 or len(ys) < 2:
        return None
    inside = [
        word
        for word in words
        if xs[0] - _TOUCH <= (word.x0 + word.x1) / 2 <= xs[-1] + _TOUCH
        and ys[0] - _TOUCH <= (word.top + word.bottom) / 2 <= ys[-1] + _TOUCH
    ]
    if not inside:
        return None
    if _reaches_out(words, xs, ys, across):
        return None
    cells: list[list[list[Word]]] = [[[] for _ in xs[1:]] for _ in ys[1:]]
    left_of, above = _rules_at(xs, down), _rules_at(ys, across)
    for word in inside:
        column = _place((word.x0 + word.x1) / 2, xs)
        row = _place((word.top + word.bottom) / 2, ys)
        first_row = _first(row, (xs[column] + xs[column + 1]) / 2, above)
        first_column = _first(column, (ys[row] + ys[row + 1]) / 2, left_of)
        cells[first_row][first_column].append(word)
    lines = [[rows_of(cell) for cell in band] for band in cells]
    if _lacks_lines(lines, xs):
        return None
    return _table(lines, inside, (xs[0], ys[0], xs[-1], ys[-1]))


def _reaches_out(
    words: Sequence[Word], xs: list[float], ys: list[float], across: list[Rule]
) -> bool:
    """Whether rows begin left of the ruled cells, below a line that begins there, too."""
    left = min(rule[1] for rule in across)
    beside = {
        round(word.base)
        for word in words
        if left - _TOUCH <= word.x0 and word.x1 < xs[0] and ys[0] < word.base < ys[-1]
    }
    return len(beside) > 1


def _lacks_lines(cells: list[list[list[WordRow]]], xs: list[float]) -> bool:
    """Whether cells hold whole rows or columns: then not all of the lines are drawn."""
    wide = 0
    for band in cells:
        for cell in band:
            pieces = [line.cells() for line in cell]
            wide += any(
                len({_place(one[0].x0, xs) for one in parts}) > 1
                or (len(parts) > 1 and all(map(is_number, map(joined_words, parts))))
                for parts in pieces
            )
    return wide > _MAX_WIDE


def _place(at: float, edges: list[float]) -> int:
    return max(bisect_right(edges, at, hi=len(edges) - 1) - 1, 0)


def _rules_at(edges: list[float], rules: list[Rule]) -> list[list[Rule]]:
    """The lines that are drawn at each edge."""
    return [[rule for rule in rules if abs(rule[0] - edge) <= _TOUCH] for edge in edges]


def _first(place: int, along: float, drawn: list[list[Rule]]) -> int:
    """The first row or column of a cell that reaches over several.

    Args:
        place: The row or column of a word.
        along: The middle of its column, or of its row.
        drawn: The lines before each row or column.
    """
    while place and not any(start <= along <= end for _, start, end in drawn[place]):
        place -= 1
    return place


def _table(
    cells: list[list[list[WordRow]]], inside: list[Word], box: tuple[float, float, float, float]
) -> FoundTable | None:
    rows: list[list[str]] = []
    for band in cells:
        rows += (found := _band(band))
        if len(found) == 1 and any(map(_is_column_of_numbers, band)):
            return None
    rows = [row for row in rows if any(row)]
    if not rows:
        return None
    used = [at for at in range(len(rows[0])) if any(row[at] for row in rows)]
    rows = [[row[at] for at in used] for row in rows]
    filled = sum(1 for row in rows for cell in row if cell)
    if len(used) < 2 or len(rows) < 2 or filled < len(used) + 1:
        return None
    longest = max(len(cell) for row in rows for cell in row)
    if filled <= 4 and longest > 400:
        return None
    return FoundTable(rows, inside, box)


def _is_column_of_numbers(lines: list[WordRow]) -> bool:
    numbers = sum(is_number(joined_words(line.words)) for line in lines)
    return numbers >= _MANY_NUMBERS and numbers > 0.6 * len(lines)


def _band(lines: list[list[WordRow]]) -> list[list[str]]:
    """Make one row of a band between two lines, or more where it holds whole rows."""
    counts = [len(one) for one in lines if one]
    most = max(counts, default=0)
    whole = sum(count == most for count in counts)
    if most >= 3 and whole >= max(2, 0.6 * len(counts)):
        bases = sorted(row.base for one in lines if len(one) == most for row in one)
        steps = sum(after - before > _SAME_BASE for before, after in pairwise(bases))
        if steps <= most:
            longest = max(lines, key=len)
            return merge_rows(_by_base(lines), [row.base for row in longest], longest[0].size)
    return [[" ".join(joined_words(row.words) for row in one) for one in lines]]


def _by_base(lines: list[list[WordRow]]) -> list[list[str]]:
    longest = max(lines, key=len)
    rows = [[""] * len(lines) for _ in longest]
    for column, one in enumerate(lines):
        for row in one:
            nearest = min(range(len(longest)), key=lambda at: abs(longest[at].base - row.base))
            text = joined_words(row.words)
            past = rows[nearest][column]
            rows[nearest][column] = f"{past} {text}" if past else text
    return rows
