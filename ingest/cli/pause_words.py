"""Pauses in words: what is paused, and the command that lifts it."""

from collections.abc import Iterable

from ingest.cli.output import Json
from ingest.domain.pause import PauseKind


def what(pause: Json) -> str:
    """What a pause stops, e.g. ``lane interactive``.

    Args:
        pause: Its ``kind`` and its ``subject``, as the gateway tells them.
    """
    if pause["kind"] == PauseKind.PROVIDER:
        return f"calls to {pause['subject']}"
    return f"{pause['kind']} {pause['subject'] or ''}".strip()


def resume_command(pause: Json) -> str:
    """The command that lifts a pause, e.g. ``'ingest resume --lane interactive'``."""
    if pause["kind"] == PauseKind.EVERYTHING:
        return "'ingest resume'"
    return f"'ingest resume --{pause['kind']} {pause['subject']}'"


def all_of(pauses: Iterable[Json]) -> str:
    """What several pauses stop, on one line."""
    return " and ".join(map(what, pauses))


def resume_commands(pauses: Iterable[Json]) -> str:
    """The commands that lift several pauses, on one line."""
    return " and ".join(map(resume_command, pauses))
