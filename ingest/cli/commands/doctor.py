"""``ingest doctor``."""

import typer

from ingest.cli.exit_codes import ExitCode
from ingest.cli.options import JsonOption


def doctor(as_json: JsonOption = False) -> None:
    """Check everything that ingest needs, and say how to correct each problem.

    Every line is ok, warn or FAIL. The check changes nothing: without a running system it starts
    the embedded database and stops it again. Exit code 1: a line is FAIL.
    """
    from rich.text import Text

    from ingest import logs
    from ingest.cli.checks.findings import Finding, Level
    from ingest.cli.checks.run_checks import examine
    from ingest.cli.output import clean, console, emit_json

    logs.configure("WARNING")
    screen = console()
    styles = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}
    found: list[Finding] = []
    for finding in examine():
        found.append(finding)
        if as_json:
            continue
        level = Text(f"{finding.level.value:<5}", styles[finding.level])
        screen.print(
            level, Text(f"{finding.subject:<9}", "bold"), clean(finding.text), soft_wrap=True
        )
        if finding.advice:
            screen.print(Text(f"{'':<16}{clean(finding.advice)}", "dim"), soft_wrap=True)
    failed = sum(finding.level is Level.FAIL for finding in found)
    if as_json:
        emit_json([finding.as_json() for finding in found])
    else:
        warned = sum(finding.level is Level.WARN for finding in found)
        typer.echo(f"{failed} failed, {warned} warnings, {len(found) - failed - warned} ok")
    if failed:
        raise typer.Exit(ExitCode.FAILED)
