"""Explains in plain words what is wrong with a command line."""

from typing import Any

from ingest.domain.plain_words import did_you_mean, fault


def in_words(error: Any) -> str:
    """Explain an error of typer in one line.

    Args:
        error: A ``TyperException``; its cause is pydantic's error when a value is not valid.
    """
    message: str = error.format_message()
    errors = getattr(error.__cause__, "errors", None)
    if errors is None:
        return message
    first = errors()[0]
    where = message.removesuffix(error.message).rstrip()
    value, otherwise = str(first["input"]), str(first["msg"]).removeprefix("Value error, ")
    if first["type"] != "value_error":
        return f"{where} {value!r} {fault(first['type'], first.get('ctx', {}), otherwise)}"
    if "does not match the format" in otherwise:
        return f"{where} {value!r} must be a date, e.g. 2026-01-31 or 2026-01-31T18:30"
    choices = otherwise.partition(" is not one of ")[2].split("'")[1::2]
    return f"{where} {otherwise.rstrip('.')}{did_you_mean(value, choices)}"
