"""``ingest warnings``."""

from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.options import JsonOption, KeyOption, UrlOption
from ingest.cli.process import run_async
from ingest.domain.parse_warning import WarningCode

if TYPE_CHECKING:
    from ingest.cli.output import Json

PAGE_DOCUMENTS = 100


def list_warnings(
    code: Annotated[
        WarningCode | None,
        typer.Option(help="Only documents with a warning of this code.", show_default=False),
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Show at most N documents.")
    ] = 20,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List documents that were not read whole or for sure, newest first.

    Such a document is searchable, except for what its warnings name. At most ten warnings of each
    document are shown. The page docs/warnings.md explains each code.
    """
    from ingest.cli.output import clean, console, emit_json, indented
    from ingest.cli.render import warning_lines

    found = run_async(_warned(code, limit, url=url, key=key))
    if as_json:
        emit_json(found)
    elif not found:
        typer.echo(f"no documents with the warning {code.value}" if code else "no warnings")
    else:
        screen = console()
        for document in found:
            screen.print(f"{document['document_id']}  {clean(document['filename'])}")
            for line in warning_lines.lines(document):
                screen.print(indented(line, columns=4))


async def _warned(
    code: WarningCode | None, limit: int, *, url: str | None, key: str | None
) -> list["Json"]:
    from ingest.cli.client.connect import connect

    narrowed = {"warning": code.value if code else "any"}
    async with connect(url, key) as gateway:
        return await gateway.pages(
            "/v1/documents", "documents", limit=limit, page=PAGE_DOCUMENTS, params=narrowed
        )
