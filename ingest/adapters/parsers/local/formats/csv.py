"""Reads tables of text (CSV, TSV): delimiter and quotes are found out, values stay as written."""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ingest.adapters.parsers.local.draft import Draft, clean
from ingest.adapters.parsers.local.formats.tables import write_rows
from ingest.adapters.parsers.local.formats.text import decode
from ingest.domain.parse_warning import WarningCode

MAX_COLUMNS = 16_384
"""Most columns of a table, as in spreadsheets; a wider one is kept as text."""
_DELIMITERS = "\t;|,"
"""The first ones decide a tie: commas are also decimal marks."""
_SAMPLE_ROWS = 200
_SAMPLE_CHARS = 256 * 1024
_LEAST_SHARE = 0.5
"""Least share of rows with the same number of columns; below it the file is no table."""
_DECLARED = re.compile(r"sep=(.)\n", re.I)
_SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|])'[^'\n]*'(?=$|[,;\t|])", re.M)
_ESCAPED_QUOTE = re.compile(r"""\\["'][^,;\t|\n]""")


@dataclass(frozen=True, slots=True)
class _Dialect:
    delimiter: str
    quote: str = '"'
    backslash: bool = False
    quoted: bool = True

    def rows(self, lines: Iterable[str], *, strict: bool = False) -> Iterator[list[str]]:
        """Split lines into cells; a cell in quotes may hold delimiters and line ends."""
        csv.field_size_limit(sys.maxsize)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            quoting=csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE,
            doublequote=not self.backslash,
            escapechar="\\" if self.backslash else None,
            skipinitialspace=self.delimiter != "\t",
            strict=strict,
        )


def parse_csv(data: bytes, draft: Draft) -> None:
    """Read values that are separated by commas, semicolons, tabs or bars.

    Raises:
        ParserLimitExceeded: the text is longer than the limit.
    """
    _parse(decode(data), draft)


def parse_tsv(data: bytes, draft: Draft) -> None:
    """Read values that are separated by tabs; without any tab, as CSV.

    Raises:
        ParserLimitExceeded: the text is longer than the limit.
    """
    text = decode(data)
    _parse(text, draft, delimiter="\t" if "\t" in text[:_SAMPLE_CHARS] else None)


def _parse(text: str, draft: Draft, *, delimiter: str | None = None) -> None:
    draft.expect_chars(_least_chars(text))
    text = clean(text).lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")
    if declared := _DECLARED.match(text):
        delimiter = declared[1]
        text = text[declared.end() :]
    style = _style(text, delimiter)
    if style is None:
        draft.add(text)
        return
    rows = _all_rows(text, style, draft)
    if max(map(len, rows), default=0) > MAX_COLUMNS:
        draft.warn(
            WarningCode.STRUCTURE_NOT_READ,
            f"the table has more than {MAX_COLUMNS} columns; it is kept as plain text",
        )
        draft.add(text)
        return
    write_rows(rows, draft)


def _least_chars(text: str) -> int:
    """Characters of the file that cannot vanish: quotes and blanks may."""
    return len(text) - text.count('"') - text.count(" ") - text.count("\r") - text.count("\0")


def _all_rows(text: str, style: _Dialect, draft: Draft) -> list[list[str]]:
    try:
        return list(style.rows(_lines(text), strict=True))
    except csv.Error:
        pass
    rows = list(style.rows(_lines(text)))
    unclosed = rows and max(cell.count("\n") for cell in rows[-1] or [""]) > 1
    if unclosed:
        draft.warn(
            WarningCode.REPAIRED,
            "a quotation mark of the table is not closed; all quotation marks are read as text",
        )
        plain = _Dialect(style.delimiter, quoted=False)
        rows = list(plain.rows(_lines(text)))
    return rows


def _lines(text: str) -> Iterator[str]:
    """Lines with their ends; only LF ends a line."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _style(text: str, delimiter: str | None) -> _Dialect | None:
    """How the cells are written; None when the text is no table."""
    sample = text[:_SAMPLE_CHARS]
    if len(text) > len(sample) and "\n" in sample:
        sample = sample[: sample.rindex("\n") + 1]
    quote = '"'
    if '"' not in sample and len(_SINGLE_QUOTED.findall(sample)) > 1:
        quote = "'"
    backslash = quote * 2 not in sample and _ESCAPED_QUOTE.search(sample) is not None
    choices = [_Dialect(found, quote, backslash) for found in delimiter or _DELIMITERS]
    scored = [(_score(sample, choice), -place) for place, choice in enumerate(choices)]
    best = max(range(len(choices)), key=lambda place: scored[place])
    if delimiter is None and scored[best][0][1] < _LEAST_SHARE:
        return None
    return choices[best]


def _score(sample: str, style: _Dialect) -> tuple[int, float]:
    """Whether the first row has the columns of most others, and the share of those rows."""
    rows = [row for row in islice(style.rows(_lines(sample)), _SAMPLE_ROWS) if any(row)]
    widths = [len(row) for row in rows]
    several = Counter(width for width in widths if width > 1)
    if not several:
        return -1, 0.0
    width, count = several.most_common(1)[0]
    return int(widths[0] == width), round(count / len(widths), 1)
