"""``ingest demo``."""

import typer

from ingest.cli.options import JsonOption


def demo(as_json: JsonOption = False) -> None:
    """Show everything once: start, ingest this project's documentation, search it, stop.

    It takes under a minute, needs nothing, and leaves nothing behind: the system lives in a
    temporary folder and on a free port. Your own system is not touched.
    """
    from ingest.cli import rehearsal
    from ingest.cli.output import emit_json, say

    result = rehearsal.perform(say=say if as_json else typer.echo, show=not as_json)
    if as_json:
        emit_json(result)
