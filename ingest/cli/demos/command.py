"""``ingest demo``."""

from typing import Annotated

import typer

from ingest.cli.options import JsonOption


def demo(
    services: Annotated[
        bool,
        typer.Option(
            "--services",
            help="Use simulated OpenAI and LlamaParse instead of the local parser and embedder: "
            "with failures, an outage, limits and prices.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show everything once: start, ingest this project's documentation, search it, stop.

    It takes under a minute, needs nothing, and leaves nothing behind: the system lives in a
    temporary folder and on a free port. Your own system is not touched.
    """
    from ingest.cli.demos import local_demo, provider_demo
    from ingest.cli.output import emit_json, say

    report = say if as_json else typer.echo
    if services:
        result = provider_demo.perform(say=report)
    else:
        result = local_demo.perform(say=report, show=not as_json)
    if as_json:
        emit_json(result)
