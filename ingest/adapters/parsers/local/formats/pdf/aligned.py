"""Tables without ruled cells: rows whose cells stand below each other."""

import re
from collections.abc import Sequence
from itertools import pairwise

from ingest.adapters.parsers.local.formats.pdf.rows import Row, joined_words, rows_of
from ingest.adapters.parsers.local.formats.pdf.rulings import Rulings
from ingest.adapters.parsers.local.formats.pdf.table import Table, merge_rows
from ingest.adapters.parsers.local.formats.pdf.words import Word

_ROW_GAP = 3.0
_MIN_ROWS = 3
_SINGLES = 3
_NARROW, _WIDE = 0.45, 0.9
_FEW_ROWS = 5
_CROSSING = 0.12
_PROSE_CHARS = 45
_LABEL = re.compile(r"^\W*(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})?[.):\]]?\W*$")
_LEADER = re.compile(r"(?:\.\s?){4,}|…{2,}|_{5,}")
_MAX_COLUMNS = 40


def aligned_tables(words: Sequence[Word], rulings: Rulings) -> list[Table]:
    """Find runs of rows whose gaps stand below each other."""
    tables = []
    for run in _runs(rows_of(words)):
        table = _table(run, rulings)
        if table is not None:
            tables.append(table)
    return tables


def _runs(rows: list[Row]) -> list[list[Row]]:
    """Rows with several cells, and the few rows with one between them."""
    runs: list[list[Row]] = []
    run: list[Row] = []
    singles: list[Row] = []
    for row in rows:
        last = (singles or run)[-1] if run else None
        far = last is not None and row.base - last.base > _ROW_GAP * max(row.size, last.size)
        if far or len(singles) > _SINGLES:
            runs.append(run)
            run, singles = [], []
        if len(row.cells()) > 1:
            run += [*singles, row]
            singles = []
        elif run:
            singles.append(row)
    if run:
        runs.append([*run, *(singles if len(singles) == 1 and _tail(run, singles[0]) else [])])
    return [run for run in runs if sum(len(row.cells()) > 1 for row in run) >= _MIN_ROWS]


def _tail(run: list[Row], row: Row) -> bool:
    """Whether a row with one cell below the last row of a table still belongs to its cells."""
    start = row.words[0].x0
    return start > run[-1].words[0].x0 + row.size and row.base - run[-1].base < 1.4 * row.size


def _gutters(run: list[Row]) -> list[tuple[float, float]]:
    """Gaps between columns: what hardly any row with several cells covers."""
    several = [row for row in run if len(row.cells()) > 1]
    allowed = int(_CROSSING * len(several))
    size = sorted(row.size for row in several)[len(several) // 2]
    least = size * (_WIDE if len(several) < _FEW_ROWS else _NARROW)
    events: list[tuple[float, int]] = []
    for row in several:
        for cell in row.cells(_NARROW):
            events += [(cell[0].x0, 1), (max(word.x1 for word in cell), -1)]
    events.sort()
    gutters = []
    depth, open_at, high = 0, None, False
    for x, step in events:
        depth += step
        if depth <= allowed and open_at is None and high:
            open_at = x
        elif depth > allowed:
            if open_at is not None and x - open_at >= least:
                gutters.append((open_at, x))
            open_at, high = None, True
    return gutters


def _table(run: list[Row], rulings: Rulings) -> Table | None:
    gutters = _gutters(run)
    if not gutters or len(gutters) >= _MAX_COLUMNS:
        return None
    middles = [(left + right) / 2 for left, right in gutters]
    rows = [_cells(row, middles) for row in run]
    if not _is_table(rows):
        return None
    bands = _bands(run, rulings)
    texts = [[joined_words(cell) for cell in row] for row in rows]
    texts = _join_bands(texts, bands) if bands else merge_rows(texts, [row.base for row in run])
    words = [word for row in run for word in row.words]
    box = (
        min(word.x0 for word in words),
        min(word.top for word in words),
        max(word.x1 for word in words),
        max(word.bottom for word in words),
    )
    return Table(texts, words, box)


def _cells(row: Row, middles: list[float]) -> list[list[Word]]:
    """Put words into columns; a piece of text that crosses gutters stays whole."""
    cells: list[list[Word]] = [[] for _ in range(len(middles) + 1)]
    for piece in row.cells(_NARROW):
        left, right = piece[0].x0, max(word.x1 for word in piece)
        crossed = [at for at in middles if left < at < right]
        if crossed and any(_breaks(piece, at) for at in crossed):
            for word in piece:
                centre = (word.x0 + word.x1) / 2
                cells[sum(at < centre for at in middles)].append(word)
        else:
            cells[sum(at < left for at in middles)] += piece
    return cells


def _breaks(piece: list[Word], at: float) -> bool:
    """Whether a gutter falls between two words of a piece rather than into one."""
    return len(piece) <= 2 and not any(word.x0 < at < word.x1 for word in piece)


def _is_table(rows: list[list[list[Word]]]) -> bool:
    several = [row for row in rows if sum(map(bool, row)) > 1]
    if len(several) < _MIN_ROWS or len(several) < 0.5 * len(rows):
        return False
    texts = [[joined_words(cell) for cell in row] for row in several]
    width = len(texts[0])
    if any(_LEADER.search(cell) for row in texts for cell in row):
        return False
    filled = [cell for row in texts for cell in row if cell]
    if len(filled) < 0.35 * width * len(texts):
        return False
    columns = [[row[at] for row in texts if row[at]] for at in range(width)]
    if width == 2 and sum(bool(_LABEL.match(cell)) for cell in columns[0]) > 0.6 * len(columns[0]):
        return False
    if width == 2 and _is_contents(texts):
        return False
    if _is_prose(columns):
        return False
    long = [
        sorted(map(len, column))[len(column) // 2] > _PROSE_CHARS for column in columns if column
    ]
    return sum(long) <= (0 if width == 2 else 1) or (width > 3 and sum(long) <= width // 2)


def _is_prose(columns: list[list[str]]) -> bool:
    """Whether cells go on in the cell below, as lines of text do."""
    wordy = [
        column for column in columns if sum(cell.count(" ") for cell in column) > 3 * len(column)
    ]
    if len(wordy) < 2:
        return False
    steps = [(above, below) for column in wordy for above, below in pairwise(column)]
    going = sum(below[0].islower() or above[-1] in ",-\x02\ufffe" for above, below in steps)
    return going > 0.4 * len(steps)


def _is_contents(texts: list[list[str]]) -> bool:
    """Whether the second column gives pages: numbers that never fall, below names."""
    pages = [row[1] for row in texts if row[1]]
    if not all(page.isdigit() for page in pages):
        return False
    numbers = list(map(int, pages))
    return numbers == sorted(numbers) and any(row[0][:1].isdigit() for row in texts)


def _bands(run: list[Row], rulings: Rulings) -> list[int]:
    """The band between ruling lines of each row, where nearly each row of cells is ruled off."""
    left = min(row.words[0].x0 for row in run)
    right = max(row.words[-1].x1 for row in run)
    lines = sorted(
        y
        for y, start, end in rulings.across
        if min(end, right) - max(start, left) > 0.7 * (right - left)
        and run[0].base < y < run[-1].base
    )
    bands = [sum(y < row.base for y in lines) for row in run]
    used = len(set(bands))
    most = max(bands.count(band) for band in set(bands))
    return bands if used >= 4 and most <= max(5, 0) and used >= 0.34 * len(run) else []


def _join_bands(rows: list[list[str]], bands: list[int]) -> list[list[str]]:
    joined: list[list[str]] = []
    for at, row in enumerate(rows):
        if at and bands[at] == bands[at - 1]:
            joined[-1] = [f"{a} {b}".strip() for a, b in zip(joined[-1], row, strict=True)]
        else:
            joined.append(list(row))
    return joined
