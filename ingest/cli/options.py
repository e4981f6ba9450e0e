"""Options and arguments that several commands share."""

from typing import Annotated
from uuid import UUID

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON to standard output instead of text.")
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="INGEST_URL",
        show_default=False,
        help="URL of the gateway; default: the system of this state folder, or the port "
        "INGEST_PORT.",
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        envvar="INGEST_API_KEY",
        show_default=False,
        help="API key, needed when authentication is on ('ingest keys create' makes one).",
    ),
]
CreateTenantOption = Annotated[
    bool,
    typer.Option("--create-tenant", help="Create the tenant of --tenant if it does not exist."),
]
JobArgument = Annotated[UUID, typer.Argument(metavar="JOB", help="Id of the job.")]
