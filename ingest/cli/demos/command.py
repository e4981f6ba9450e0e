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

    The demo takes under a minute, needs no settings, and leaves no files behind: its system has
    a temporary folder and a free port. Your own system does not change.
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
