"""The order of reading: as painted, or by places where the painted order jumps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingest.adapters.parsers.local.formats.pdf.table import FoundTable
from ingest.adapters.parsers.local.formats.pdf.words import Line, Word

Piece = Line | FoundTable
_GUTTER = 1.2
_MIN_SPLIT_LINES = 3
_MARGIN = 0.08
_MAX_GUTTERS = 4
_MAX_DEPTH = 40
_RISING = 3


@dataclass(slots=True)
class _Box:
    piece: Piece
    x0: float
    top: float
    x1: float
    bottom: float
    size: float


def in_order(lines: Sequence[Line], tables: Sequence[FoundTable], height: float) -> list[Piece]:
    """Put lines and tables into the order of reading.

    Args:
        lines: In the order of painting, without the words of the tables.
        tables: Found on the page.
        height: Of the page.
    """
    lines = _vertical_first_right(_same_line_joined(lines))
    gutter = first = _painted_across(lines)
    for _ in range(_MAX_GUTTERS):
        if gutter is None:
            break
        lines = _split_at(lines, gutter)
        gutter = _painted_across(lines)
    pieces = _with_tables(lines, tables)
    boxes = [_box(piece) for piece in pieces]
    if first is None and not _jumps(boxes, height):
        return pieces
    if any(
        isinstance(piece, Line) and (piece.turned or piece.words[0].vertical) for piece in pieces
    ):
        return pieces
    return [box.piece for box in _by_places(boxes)]


def _box(piece: Piece) -> _Box:
    if isinstance(piece, FoundTable):
        left, top, right, bottom = piece.box
        return _Box(piece, left, top, right, bottom, 10.0)
    size = max(piece.size, 4.0)
    return _Box(piece, piece.x0, piece.base - 0.8 * size, piece.x1, piece.base + 0.2 * size, size)


def _same_line_joined(lines: Sequence[Line]) -> list[Line]:
    """Join what PDFium divides though it stands side by side, such as raised numbers."""
    joined: list[Line] = []
    for line in lines:
        past = joined[-1] if joined else None
        if past is not None and not past.turned and not line.turned and _side_by_side(past, line):
            past.words += line.words
        else:
            joined.append(line)
    return joined


def _side_by_side(past: Line, line: Line) -> bool:
    last, first = past.words[-1], line.words[0]
    size = max(last.size, first.size)
    gap = first.x0 - last.x1
    return (
        abs(last.base - first.base) < 0.5 * size
        and -0.3 * size < gap < 1.0 * size
        and not last.vertical
        and not first.vertical
    )


def _vertical_first_right(lines: list[Line]) -> list[Line]:
    """Columns of letters that stand below each other are read from the right."""
    ordered: list[Line] = []
    run: list[Line] = []
    for line in lines:
        if line.words[0].vertical and not line.turned:
            run.append(line)
        else:
            ordered += [*_from_right(run), line]
            run = []
    return ordered + _from_right(run)


def _from_right(run: list[Line]) -> list[Line]:
    if len(run) < 2:
        return run
    columns: list[list[Line]] = []
    for line in sorted(run, key=lambda line: -line.x0):
        if columns and columns[-1][0].x0 - line.x0 < 0.5 * line.size:
            columns[-1].append(line)
        else:
            columns.append([line])
    tops = [line.words[0].top for line in run]
    bottoms = [line.words[-1].bottom for line in run]
    middle = (min(tops) + max(bottoms)) / 2
    if all(bottom <= middle or top >= middle for top, bottom in zip(tops, bottoms, strict=True)):
        upper = [line for column in columns for line in column if line.words[0].top < middle]
        lower = [line for column in columns for line in column if line.words[0].top >= middle]
        return upper + lower
    return [
        line for column in columns for line in sorted(column, key=lambda line: line.words[0].top)
    ]


def _painted_across(lines: Sequence[Line]) -> float | None:
    """The middle of a gutter that several lines reach over, because rows were painted whole."""
    gaps: list[tuple[float, float]] = []
    for line in lines:
        if line.turned or not line.gaps(_GUTTER):
            continue
        for before, after in pairwise(line.words):
            if after.x0 - before.x1 > _GUTTER * max(before.size, 4.0):
                gaps.append((before.x1, after.x0))
    if len(gaps) < _MIN_SPLIT_LINES:
        return None
    best, middle = 0, 0.0
    for left, right in gaps:
        at = (left + right) / 2
        held = sum(start < at < end for start, end in gaps)
        if held > best:
            best, middle = held, at
    if best < _MIN_SPLIT_LINES:
        return None
    crossing = sum(
        line.x0 < middle < line.x1 and any(word.x0 < middle < word.x1 for word in line.words)
        for line in lines
    )
    return middle if crossing <= best and _is_prose(lines, middle) else None


def _is_prose(lines: Sequence[Line], middle: float) -> bool:
    """Whether both sides hold running text rather than short cells."""
    for left in (True, False):
        counts = [
            sum(len(word.text) + 1 for word in line.words if (word.x1 <= middle) == left)
            for line in lines
            if line.x0 < middle < line.x1
        ]
        counts = sorted(count for count in counts if count)
        if not counts or counts[len(counts) // 2] < 18:
            return False
    return True


def _split_at(lines: Sequence[Line], middle: float) -> list[Line]:
    divided: list[Line] = []
    for line in lines:
        left: list[Word] = [word for word in line.words if word.x1 <= middle]
        right = [word for word in line.words if word.x0 >= middle]
        whole = line.turned or not left or not right or len(left) + len(right) < len(line.words)
        if whole or right[0].x0 - left[-1].x1 < _GUTTER * 0.6 * line.size:
            divided.append(line)
        else:
            divided += [Line(left), Line(right)]
    return divided


def _with_tables(lines: Sequence[Line], tables: Sequence[FoundTable]) -> list[Piece]:
    """Put each table where the first of its words was painted, or by its place."""
    pieces: list[Piece] = list(lines)
    for table in sorted(tables, key=lambda table: table.box[1]):
        top, bottom = table.box[1], table.box[3]
        at = len(pieces)
        for index, piece in enumerate(pieces):
            box = _box(piece)
            if box.top >= bottom - 2 and min(box.x1, table.box[2]) > max(box.x0, table.box[0]):
                at = index
                break
            if box.bottom <= top + 2:
                at = index + 1
        pieces.insert(at, table)
    return pieces


def _jumps(boxes: Sequence[_Box], height: float) -> bool:
    """Whether a line stands far above the one before it in the same column, or several do."""
    rising = 0
    for before, after in pairwise(boxes):
        if not all(
            _MARGIN * height < (box.top + box.bottom) / 2 < (1 - _MARGIN) * height
            for box in (before, after)
        ):
            continue
        shared = min(before.x1, after.x1) - max(before.x0, after.x0)
        if after.bottom > before.top or shared <= 0.5 * min(
            before.x1 - before.x0, after.x1 - after.x0
        ):
            continue
        rising += 1
        if rising >= _RISING or after.bottom < before.top - 2 * max(6.0, after.size):
            return True
    return False


def _by_places(boxes: list[_Box], depth: int = 0) -> list[_Box]:
    """Columns from left to right where a gutter divides them, else bands from top to bottom."""
    if len(boxes) < 2 or depth > _MAX_DEPTH:
        return boxes
    columns = _columns(boxes)
    if len(columns) > 1:
        return [box for column in columns for box in _by_places(column, depth + 1)]
    bands = _bands(boxes)
    if len(bands) > 1:
        return [box for band in bands for box in _by_places(band, depth + 1)]
    return sorted(boxes, key=lambda box: (round(box.bottom / 3), box.x0))


def _columns(boxes: list[_Box]) -> list[list[_Box]]:
    ordered = sorted(boxes, key=lambda box: box.x0)
    size = sorted(box.size for box in boxes)[len(boxes) // 2]
    columns, right = [[ordered[0]]], ordered[0].x1
    for box in ordered[1:]:
        if box.x0 - right > 0.8 * size:
            columns.append([box])
        else:
            columns[-1].append(box)
        right = max(right, box.x1)
    return columns if len(columns) > 1 and all(len(one) > 1 for one in columns) else [boxes]


def _bands(boxes: list[_Box]) -> list[list[_Box]]:
    """Rows, joined as long as one gutter runs through them."""
    rows: list[list[_Box]] = []
    bottom = 0.0
    for box in sorted(boxes, key=lambda box: box.top):
        if rows and box.top < bottom - 1:
            rows[-1].append(box)
            bottom = max(bottom, box.bottom)
        else:
            rows.append([box])
            bottom = box.bottom
    if len(rows) == 1:
        return [boxes]
    bands: list[list[_Box]] = []
    gutter: tuple[float, float] | None = None
    for row in rows:
        own = _gutter(row)
        if bands and gutter is not None:
            shared = _narrowed(row, gutter)
            if shared is not None:
                bands[-1] += row
                gutter = shared
                continue
        if bands and gutter is None and own is None:
            bands[-1] += row
            continue
        bands.append(list(row))
        gutter = own
    return bands


def _gutter(row: list[_Box]) -> tuple[float, float] | None:
    ordered = sorted(row, key=lambda box: box.x0)
    right = ordered[0].x1
    for box in ordered[1:]:
        if box.x0 - right > 0.8 * box.size:
            return (right, box.x0)
        right = max(right, box.x1)
    return None


def _narrowed(row: list[_Box], gutter: tuple[float, float]) -> tuple[float, float] | None:
    left, right = gutter
    for box in row:
        middle = (left + right) / 2
        if box.x1 <= middle:
            left = max(left, box.x1)
        elif box.x0 >= middle or box.x0 > left:
            right = min(right, box.x0)
        elif box.x1 < right:
            left = max(left, box.x1)
        else:
            return None
    return (left, right) if right - left > 0.6 * row[0].size else None
