"""How the command line writes: results to standard output, everything else to standard error."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import typer
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ingest.cli.folding import fold, widths
from ingest.domain.pricing import plain


def console(*, err: bool = False) -> Console:
    """Make a console that prints texts unchanged; without a terminal it is 80 columns wide."""
    return Console(stderr=err, markup=False, highlight=False, emoji=False)


def emit_json(value: object, *, indent: int | None = 2) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=indent, ensure_ascii=False, default=_in_json))


def _in_json(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)


def say(line: str) -> None:
    """Write a line for a person to standard error; it is not part of the result."""
    typer.echo(line, err=True)


def clean(text: str) -> str:
    """Put a text on one line, and replace characters that would control a terminal."""
    kept = (" " if char in "\n\r\t" else char for char in text)
    return "".join("\ufffd" if unicodedata.category(c) in {"Cc", "Cs", "Cf"} else c for c in kept)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    right: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> Table:
    """Make a table without frames; long cells fold, so no text is cut off.

    Args:
        columns: The headings.
        rows: The cells; None is shown as a dash.
        right: Headings of the columns that hold numbers.
        whole: Headings of the columns that never fold, so that they can be copied.
    """
    built = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    cells = [["-" if cell is None else clean(str(cell)) for cell in row] for row in rows]
    texts = [[column, *(row[i] for row in cells)] for i, column in enumerate(columns)]
    rigid = [column in right or column in whole for column in columns]
    given = widths(texts, rigid, console().width - 2 * (len(columns) - 1))
    for column, width in zip(columns, given, strict=True):
        justify: Literal["left", "right"] = "right" if column in right else "left"
        built.add_column(column, justify=justify, overflow="fold", width=width, no_wrap=True)
    for row in cells:
        built.add_row(*map(fold, row, given))
    return built


def facts(pairs: Iterable[tuple[str, object]]) -> Table:
    """Make a list of names and values, one pair a line; pairs without a value are left out."""
    built = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    built.add_column(no_wrap=True, style="bold")
    built.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None:
            built.add_row(name, clean(str(value)))
    return built


def indented(text: str, *, columns: int = 2) -> Padding:
    """Fold a paragraph and move it to the right."""
    return Padding(Text(fold(clean(text), console().width - columns)), (0, 0, 0, columns))


def size(count: float) -> str:
    """Format a number of bytes for people, e.g. 41.2 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float | timedelta) -> str:
    """Format a time span for people: 0.4 s, 12 s, 3 min 5 s, 2 h 10 min, 4 d 3 h."""
    value = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    for unit, smaller, per, small in (("d", "h", 86400, 3600), ("h", "min", 3600, 60)):
        if whole >= per:
            return f"{whole // per} {unit} {whole % per // small} {smaller}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def lapse(span: timedelta) -> str:
    """Format the time between two events: below a second in ms, else as ``duration`` does."""
    seconds = span.total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else duration(seconds)


def age(moment: str) -> str:
    """Format the time since an ISO 8601 moment as --older-than reads it: 15m, 2h, 7d."""
    seconds = _seconds_since(moment)
    for unit, per in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * per:
            return f"{int(seconds // per)}{unit}"
    return f"{int(seconds)}s"


def ago(moment: str) -> str:
    """Format the time since an ISO 8601 moment for a sentence, e.g. 3 min 5 s ago."""
    return f"{duration(_seconds_since(moment))} ago"


def _seconds_since(moment: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds())


def money(usd: Decimal) -> str:
    """Format US dollars for people; a small amount keeps two significant digits."""
    if usd == 0 or usd >= 1:
        return f"${usd:,.2f}"
    if usd >= Decimal("0.0001"):
        return f"${usd:.4f}"
    return f"${round(usd, 2 - usd.adjusted()).normalize():f}"


def plural(count: int, noun: str) -> str:
    """Format a number with its noun, e.g. 1 file, 2,000 files."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


Json = dict[str, Any]
"""A JSON object from the gateway."""
