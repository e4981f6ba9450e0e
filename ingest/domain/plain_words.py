"""Explains in plain words what is wrong with a value."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

_KINDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a known field",
    "json_invalid": "is not valid JSON",
    "string_type": "must be a text",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}
_FAMILIES = {
    "int_": "must be a whole number",
    "float_": "must be a number",
    "decimal_": "must be a number",
    "bool_": "must be true or false",
    "uuid_": "must be a UUID, e.g. 0b7c6a52-6f0e-4c1e-9d53-2f1c8f1f3f11",
    "date_": "must be a date, e.g. 2026-01-31",
    "datetime_": "must be a time, e.g. 2026-01-31T12:00:00Z",
    "timezone_": "must be a time with its zone, e.g. 2026-01-31T12:00:00Z",
    "list_": "must be a list",
    "dict_": "must be a JSON object",
    "model_": "must be a JSON object",
}


def fault(kind: str, limits: Mapping[str, Any], otherwise: str) -> str:
    """Complete a sentence that begins with the name of a wrong value.

    Args:
        kind: Pydantic's type of the error.
        limits: Pydantic's context of the error, e.g. the limit.
        otherwise: Pydantic's message, used for other types of errors.
    """
    if kind in _KINDS:
        return _KINDS[kind].format_map(limits).replace("'", "")
    for family, words in _FAMILIES.items():
        if kind.startswith(family):
            return words
    return otherwise.removeprefix("Value error, ").replace("Input should", "must")


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """Suggest the known value that is nearest to this one; empty when none is near."""
    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(value.lower(), by_lower, n=1)
    return f"; did you mean {by_lower[near[0]]}?" if near else ""
