"""Reads JSON: ``path: value`` lines, and lists of flat records as tables."""

import json
import re
from collections.abc import Sequence
from typing import cast

from ingest.adapters.parsers.local.draft import Draft, clean
from ingest.adapters.parsers.local.formats.text import decode
from ingest.domain.parse_warning import WarningCode

MAX_TABLE_COLUMNS = 500
_MIN_TABLE_COLUMNS = 2
_LEAST_RECORDS = 2
_MAX_CELL_CHARS = 300
"""Records with longer values are lines, because a row would not be readable."""
_LEAST_FILLED = 0.5
"""Least share of filled cells of a table."""
_LIST_CHARS = 300
"""Shorter lists of plain values stand on one line."""
_ENCODED = re.compile(r"(?:data:[\w/+.-]+;base64,)?[A-Za-z0-9+/=_-]{1000,}\s*")


class _Object(list[tuple[str, "Value"]]):
    """An object: keys and values in their order; a key may come twice."""


Value = str | bool | _Object | list["Value"] | None
_DECODER = json.JSONDecoder(
    object_pairs_hook=_Object,
    parse_int=str,
    parse_float=str,
    parse_constant=str,
    strict=False,
)
"""Numbers stay as they are written: 1.10, 1e400 and 20 digits."""


def parse_json(data: bytes, draft: Draft) -> None:
    """Read one JSON value; text that is no valid JSON is kept as written.

    Raises:
        ParserLimitExceeded: the text is longer than the limit.
    """
    text = decode(data).lstrip("\N{ZERO WIDTH NO-BREAK SPACE}")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        _keep(text, draft, "the JSON is nested too deeply to be laid out")
    except json.JSONDecodeError as exc:
        if exc.msg == "Extra data" and "\n" in text.strip():
            _parse_lines(text, draft)
        else:
            _keep(text, draft, f"the JSON is not valid at line {exc.lineno}")
    else:
        _JsonWriter(draft).write(value)


def parse_jsonl(data: bytes, draft: Draft) -> None:
    """Read one JSON value for each line.

    Raises:
        ParserLimitExceeded: the text is longer than the limit.
    """
    _parse_lines(decode(data).lstrip("\N{ZERO WIDTH NO-BREAK SPACE}"), draft)


def _parse_lines(text: str, draft: Draft) -> None:
    values: list[Value] = []
    broken = 0
    for line in clean(text).split("\n"):
        if not line.strip():
            continue
        try:
            values.append(_DECODER.decode(line))
        except (json.JSONDecodeError, RecursionError):
            broken += 1
            values.append(line)
    if broken == len(values):
        _keep(text, draft, "the lines are no valid JSON")
        return
    if broken:
        draft.warn(
            WarningCode.STRUCTURE_NOT_READ,
            f"{broken} of {len(values)} lines are no valid JSON; they are kept as written",
        )
    _JsonWriter(draft).write(values)


def _keep(text: str, draft: Draft, reason: str) -> None:
    draft.warn(WarningCode.STRUCTURE_NOT_READ, f"{reason}; its text is kept as written")
    draft.expect_chars(len(text))
    draft.add(text)


class _JsonWriter:
    """Lays out one value."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._lines: list[str] = []
        self._left_out: list[str] = []

    def write(self, value: Value) -> None:
        """Write a value; the records of a list are blocks of their own."""
        if isinstance(value, list) and not isinstance(value, _Object) and not _table(value):
            records = sum(isinstance(item, _Object) for item in value)
            if records * 2 > len(value):
                for item in value:
                    self._write_below(item, "")
                    self._end_block()
                self._warn()
                return
        self._write_below(value, "")
        self._end_block()
        self._warn()

    def _write_below(self, value: Value, path: str) -> None:
        waiting: list[tuple[Value, str]] = [(value, path)]
        while waiting:
            item, place = waiting.pop()
            if isinstance(item, _Object):
                if not item:
                    self._line(place, "")
                waiting += [
                    (inner, f"{place}.{key}" if place else key) for key, inner in reversed(item)
                ]
            elif isinstance(item, list):
                waiting += reversed(self._list(cast("list[Value]", item), place))
            else:
                self._line(place, _plain(item))

    def _list(self, items: Sequence[Value], place: str) -> list[tuple[Value, str]]:
        """Write a list at once when it is short or a table; else return its items."""
        if rows := _table(items):
            if place:
                self._lines.append(f"{place}:")
            self._end_block()
            self._draft.add_table(rows)
            return []
        if not any(isinstance(item, list) for item in items):
            plain = [_plain(item) for item in items]
            joined = ", ".join(plain)
            if len(joined) <= _LIST_CHARS and not any("," in p or "\n" in p for p in plain):
                self._line(place, joined)
                return []
        return [(item, f"{place}[{number}]") for number, item in enumerate(items)]

    def _line(self, place: str, value: str) -> None:
        if len(value) >= 1000 and _ENCODED.fullmatch(value):
            self._left_out.append(place or "the value")
            value = ""
        self._lines.append(f"{place}: {value}".rstrip() if place else value)

    def _end_block(self) -> None:
        self._draft.add("\n".join(self._lines))
        self._lines.clear()

    def _warn(self) -> None:
        if self._left_out:
            first, more = self._left_out[0][:100], len(self._left_out) - 1
            places = f"{first} and {more} more" if more else first
            self._draft.warn(WarningCode.DATA_LEFT_OUT, f"encoded data of {places} is left out")


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _table(items: Sequence[Value]) -> list[list[str]] | None:
    """Rows of a list of flat records, the keys first; None when it is none."""
    records = [item for item in items if isinstance(item, _Object)]
    if len(items) < _LEAST_RECORDS or len(records) < len(items):
        return None
    keys: dict[str, int] = {}
    for record in records:
        for key, value in record:
            if isinstance(value, list) or (isinstance(value, str) and len(value) > _MAX_CELL_CHARS):
                return None
            keys.setdefault(key, len(keys))
    if not _MIN_TABLE_COLUMNS <= len(keys) <= MAX_TABLE_COLUMNS:
        return None
    if sum(map(len, records)) < _LEAST_FILLED * len(keys) * len(records):
        return None
    rows = [list(keys)]
    for record in records:
        row = [""] * len(keys)
        for key, value in record:
            row[keys[key]] = f"{row[keys[key]]} {_plain(value)}".strip()
        rows.append(row)
    return rows
