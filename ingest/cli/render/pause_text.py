"""Pauses in words: what is paused, and the command that lifts it."""

import re
from collections.abc import Iterable

from ingest.cli.output import Json
from ingest.domain.pause import PauseKind

_PLAIN = re.compile(r"[\w@%+=:,./][\w@%+=:,./-]*", re.ASCII)


def what(pause: Json) -> str:
    """What a pause stops, e.g. ``lane interactive``.

    Args:
        pause: Its ``kind`` and its ``subject``, as the gateway tells them; of a tenant also its
            ``tenant_name``, where one is known.
    """
    if pause["kind"] == PauseKind.PROVIDER:
        return f"calls to {pause['subject']}"
    return f"{pause['kind']} {pause.get('tenant_name') or pause['subject'] or ''}".strip()


def resume_command(pause: Json) -> str:
    """The command that lifts a pause, e.g. ``'ingest resume --lane interactive'``."""
    if pause["kind"] == PauseKind.EVERYTHING:
        return "'ingest resume'"
    name = pause.get("tenant_name") or ""
    subject = name if _PLAIN.fullmatch(name) else pause["subject"]  # a shell would split the others
    return f"'ingest resume --{pause['kind']} {subject}'"


def all_of(pauses: Iterable[Json]) -> str:
    """What several pauses stop, on one line."""
    return " and ".join(map(what, pauses))


def resume_commands(pauses: Iterable[Json]) -> str:
    """The commands that lift several pauses, on one line."""
    return " and ".join(map(resume_command, pauses))
