"""Describes pauses in words, and the commands that end them."""

import re
from collections.abc import Iterable

from ingest.cli.output import Json
from ingest.domain.pause import PauseKind

_PLAIN = re.compile(r"[\w@%+=:,./][\w@%+=:,./-]*", re.ASCII)


def what(pause: Json) -> str:
    """Name the work that a pause stops, e.g. ``lane interactive``.

    Args:
        pause: A pause in the gateway's JSON: ``kind``, ``subject``, and for a tenant
            ``tenant_name`` where one is known.
    """
    if pause["kind"] == PauseKind.PROVIDER:
        return f"calls to {pause['subject']}"
    return f"{pause['kind']} {pause.get('tenant_name') or pause['subject'] or ''}".strip()


def resume_command(pause: Json) -> str:
    """The command that ends a pause, e.g. ``'ingest resume --lane interactive'``."""
    if pause["kind"] == PauseKind.EVERYTHING:
        return "'ingest resume'"
    name = pause.get("tenant_name") or ""
    subject = (
        name if _PLAIN.fullmatch(name) else pause["subject"]
    )  # a shell would split other names
    return f"'ingest resume --{pause['kind']} {subject}'"


def all_of(pauses: Iterable[Json]) -> str:
    """Name the work that several pauses stop, in one line."""
    return " and ".join(map(what, pauses))


def resume_commands(pauses: Iterable[Json]) -> str:
    """The commands that end several pauses, in one line."""
    return " and ".join(map(resume_command, pauses))
