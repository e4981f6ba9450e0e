"""Tables without ruled cells: rows whose cells stand below each other."""

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from ingest.adapters.parsers.local.formats.pdf.judgement import is_label, is_number, is_table
from ingest.adapters.parsers.local.formats.pdf.rows import WordRow, joined_words, rows_of
from ingest.adapters.parsers.local.formats.pdf.rulings import Rulings
from ingest.adapters.parsers.local.formats.pdf.table import FoundTable, merge_rows
from ingest.adapters.parsers.local.formats.pdf.words import Word

_ROW_GAP = 3.2
_SINGLES = 3
_NARROW, _WIDE = 0.45, 0.9
_FEW_ROWS = 5
_CROSSING = 0.12
_MAX_COLUMNS = 40
_MAX_SPLITS = 30
_LONG_CHARS = 45
_JUMP = 1.5
_TORN = 2.0
_BULLETS = "•◦▪‣●○■□➢✓·\uf0b7\uf06e"
_CAPTION = re.compile(
    r"(?:Table|Exhibit|Figure|Tabelle|Abbildung|Tableau)\s+[\dA-Z]", re.IGNORECASE
)

Gutter = tuple[float, float]
"""Left and right end of a gap between columns."""


def aligned_tables(words: Sequence[Word], rulings: Rulings) -> list[FoundTable]:
    """Find runs of rows whose gaps stand below each other."""
    tables = []
    for run in _runs(rows_of(words)):
        for part in _divided(run, _MAX_SPLITS):
            table = _table(part, rulings)
            if table is not None:
                tables.append(table)
    return tables


def _several(row: WordRow) -> bool:
    """Whether a row has several cells, and is no item of a list."""
    cells = row.cells()
    return len(cells) > 2 or (len(cells) == 2 and not is_label(joined_words(cells[0])))


def _runs(rows: list[WordRow]) -> list[list[WordRow]]:
    """Rows with several cells, and the few short rows with one between them."""
    runs: list[list[WordRow]] = []
    run: list[WordRow] = []
    singles: list[WordRow] = []
    for row in rows:
        several = _several(row)
        if run:
            last = singles[-1] if singles else run[-1]
            far = row.base - last.base > _ROW_GAP * max(row.size, last.size)
            if far or len(singles) > _SINGLES or not (several or _is_short(row, run)):
                runs.append(_with_tail(run, singles))
                run, singles = [], []
        if several:
            run += [*singles, row]
            singles = []
        elif run:
            singles.append(row)
    if run:
        runs.append(_with_tail(run, singles))
    return [run for run in runs if sum(map(_several, run)) > 1]


def _is_short(row: WordRow, run: list[WordRow]) -> bool:
    """Whether a row with one cell may be part of a table rather than text below it."""
    left, right = min(one.words[0].x0 for one in run), max(one.words[-1].x1 for one in run)
    width = row.words[-1].x1 - row.words[0].x0
    return width < 0.6 * (right - left) or sum(len(word.text) for word in row.words) < _LONG_CHARS


def _with_tail(run: list[WordRow], singles: list[WordRow]) -> list[WordRow]:
    """Add rows with one cell below the last row when they go on in one of its later cells."""
    run = list(run)
    for row in singles:
        indented = row.words[0].x0 > run[-1].words[0].x0 + row.size
        if not indented or row.base - run[-1].base > 1.4 * row.size:
            break
        run.append(row)
    return run


def _divided(run: list[WordRow], splits: int) -> list[list[WordRow]]:
    """Divide a run where its parts have more columns than the whole."""
    if splits <= 0:
        return [run]
    for index in range(len(run) - 1):
        if _is_caption(run[index]):
            return [
                *(_divided(_trimmed(run[:index]), splits - 1) if index else []),
                *_divided(_trimmed(run[index + 1 :]), splits - 1),
            ]
    usual = _usual_pitch(run)
    best, at = len(_gutters(run)), 0
    for index in range(2, len(run) - 1):
        gap = run[index].base - run[index - 1].base
        if _several(run[index]) and gap < _JUMP * usual:
            continue
        upper, lower = len(_gutters(run[:index])), len(_gutters(run[index:]))
        if min(upper, lower) and max(upper, lower) > best:
            best, at = max(upper, lower), index
    if not at:
        return [run]
    return [
        *_divided(_trimmed(run[:at]), splits // 2 - 1),
        *_divided(_trimmed(run[at:]), splits // 2 - 1),
    ]


def _is_caption(row: WordRow) -> bool:
    return _CAPTION.match(joined_words(row.words[:3])) is not None


def _trimmed(run: list[WordRow]) -> list[WordRow]:
    """Leave rows with one cell at both ends out."""
    several = [at for at, row in enumerate(run) if _several(row)]
    return run[several[0] : several[-1] + 1] if several else run


def _usual_pitch(run: list[WordRow]) -> float:
    gaps = sorted(after.base - before.base for before, after in itertools.pairwise(run))
    return gaps[len(gaps) // 2] if gaps else 0.0


def _body(run: list[WordRow]) -> list[WordRow]:
    """The rows that show the columns: those with about the number of cells that most have."""
    several = [row for row in run if _several(row)]
    counts = Counter(len(row.cells()) for row in several)
    if not counts:
        return []
    usual = max(counts, key=lambda count: (counts[count] * (count - 1), count))
    return [row for row in several if len(row.cells()) >= usual] if counts[usual] > 1 else several


def _gutters(run: list[WordRow]) -> list[Gutter]:
    """Gaps between columns: what hardly any row of the body covers."""
    body = _body(run)
    if len(body) < 2:
        return []
    allowed = int(_CROSSING * len(body))
    size = sorted(row.size for row in body)[len(body) // 2]
    least = size * (_WIDE if len(body) < _FEW_ROWS else _NARROW)
    events: list[tuple[float, int]] = []
    for row in body:
        for cell in row.cells(_NARROW):
            events += [(cell[0].x0, 1), (max(word.x1 for word in cell), -1)]
    events.sort()
    gutters: list[Gutter] = []
    depth = 0
    start: float | None = None
    seen = False
    for x, step in events:
        depth += step
        if depth > allowed:
            if start is not None and x - start >= least:
                gutters.append((start, x))
            start, seen = None, True
        elif start is None and seen:
            start = x
    return gutters


def _table(run: list[WordRow], rulings: Rulings) -> FoundTable | None:
    gutters = _gutters(run)
    if not gutters or len(gutters) >= _MAX_COLUMNS:
        return None
    rows = [_cells(row, gutters) for row in run]
    gutters, rows = _without_torn(gutters, rows)
    texts = _without_bullets([[joined_words(cell) for cell in row] for row in rows])
    bands = _bands(run, rulings)
    if not is_table(texts, ruled=bool(bands)):
        return None
    bases = [row.base for row in run]
    size = sorted(row.size for row in run)[len(run) // 2]
    words = [word for row in run for word in row.words]
    box = (
        min(word.x0 for word in words),
        min(word.top for word in words),
        max(word.x1 for word in words),
        max(word.bottom for word in words),
    )
    joins = bands and not _hold_rows(texts, bands)
    texts = _join_bands(texts, bands) if joins else merge_rows(texts, bases, size)
    return FoundTable(texts, words, box) if len(texts) > 1 and len(texts[0]) > 1 else None


def _without_torn(
    gutters: list[Gutter], rows: list[list[list[Word]]]
) -> tuple[list[Gutter], list[list[list[Word]]]]:
    """Join neighbours of which each row fills one at most: cells of one column, set differently."""
    for at in range(len(gutters) - 1, -1, -1):
        both = any(row[at] and row[at + 1] for row in rows)
        used = any(row[at] for row in rows) and any(row[at + 1] for row in rows)
        narrow = gutters[at][1] - gutters[at][0] < _TORN * _size_of(rows)
        if not both and (narrow or not used):
            rows = [[*row[:at], row[at] + row[at + 1], *row[at + 2 :]] for row in rows]
            gutters = gutters[:at] + gutters[at + 1 :]
    return gutters, rows


def _size_of(rows: list[list[list[Word]]]) -> float:
    """The size of the font of the first word."""
    return next((word.size for row in rows for cell in row for word in cell), 0.0)


def _without_bullets(rows: list[list[str]]) -> list[list[str]]:
    """Join columns of bullets with the columns that they belong to."""
    for at in range(len(rows[0]) - 2, -1, -1):
        column = {row[at] for row in rows} - {""}
        if column and all(cell[0] in _BULLETS and len(cell) < 3 for cell in column):
            rows = [[*row[:at], f"{row[at]} {row[at + 1]}".strip(), *row[at + 2 :]] for row in rows]
    return rows


def _cells(row: WordRow, gutters: list[Gutter]) -> list[list[Word]]:
    """Put words into columns; a piece of text that reaches over gutters stays whole."""
    cells: list[list[Word]] = [[] for _ in range(len(gutters) + 1)]
    middles = [(left + right) / 2 for left, right in gutters]
    for piece in row.cells(_NARROW):
        for part in _parts(piece, gutters):
            left, right = part[0].x0, max(word.x1 for word in part)
            centre = left if any(left < at < right for at in middles) else (left + right) / 2
            cells[sum(at < centre for at in middles)] += part
    return cells


def _parts(piece: list[Word], gutters: list[Gutter]) -> list[list[Word]]:
    """Divide a piece at gutters into which it hardly reaches."""
    parts = [[piece[0]]]
    for word in piece[1:]:
        end = parts[-1][-1].x1
        slack = 0.35 * word.size
        if any(end <= left + slack and word.x0 >= right - slack for left, right in gutters):
            parts.append([word])
        else:
            parts[-1].append(word)
    return parts


def _bands(run: list[WordRow], rulings: Rulings) -> list[int]:
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
    return (
        bands
        if used >= 4 and used >= 0.2 * len(run) and most <= max(6, 3 * len(run) / used)
        else []
    )


def _hold_rows(rows: list[list[str]], bands: list[int]) -> bool:
    """Whether lines divide groups of rows: numbers stand below each other between two of them."""
    numbers = Counter(
        (band, at)
        for row, band in zip(rows, bands, strict=True)
        for at, cell in enumerate(row)
        if is_number(cell)
    )
    return any(count > 1 for count in numbers.values())


def _join_bands(rows: list[list[str]], bands: list[int]) -> list[list[str]]:
    joined: list[list[str]] = []
    for at, row in enumerate(rows):
        if at and bands[at] == bands[at - 1]:
            joined[-1] = [f"{a} {b}".strip() for a, b in zip(joined[-1], row, strict=True)]
        else:
            joined.append(list(row))
    return joined
