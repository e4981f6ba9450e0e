"""``ingest search`` and ``ingest delete``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ingest.cli.options import JsonOption, KeyOption, UrlOption
from ingest.cli.output import Json
from ingest.cli.process import run_async

if TYPE_CHECKING:
    from rich.console import Console

SNIPPET_CHARS = 400


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question, or some words.")],
    k: Annotated[
        int, typer.Option("-k", metavar="N", min=1, max=100, help="Show at most N results.")
    ] = 5,
    full: Annotated[bool, typer.Option("--full", help="Show whole chunks.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the passages that answer a question best.

    Each result shows its similarity (1.00 is the same meaning), its file, its page and its
    headings where the format has them, its text, and the id of its document for 'ingest delete'.
    """
    from ingest.cli.client.connect import connect
    from ingest.cli.output import console, emit_json

    async def ask() -> Json:
        async with connect(url, key) as gateway:
            return await gateway.post("/v1/search", {"query": query, "k": k})

    answer = run_async(ask())
    if as_json:
        emit_json(answer)
    elif not answer["hits"]:
        typer.echo("nothing found: no document is searchable yet; 'ingest status' shows the queue")
    else:
        chars = None if full else SNIPPET_CHARS
        show_hits(console(), answer["hits"], query, chars=chars, ids=True)


def delete(
    document: Annotated[UUID, typer.Argument(metavar="DOCUMENT", help="Id of the document.")],
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a document: its jobs, its chunks and its stored bytes.

    Backfills do not bring it back without --restore-deleted; an upload with the same name does.
    """
    from ingest.cli.client.connect import connect
    from ingest.cli.output import emit_json

    async def ask() -> Json:
        async with connect(url, key) as gateway:
            return await gateway.delete(f"/v1/documents/{document}")

    answer = run_async(ask())
    if as_json:
        emit_json({"document_id": str(document), "deleted": True, **answer})
    else:
        typer.echo(f"{document} deleted")


def show_hits(
    screen: "Console",
    hits: Sequence[Json],
    query: str,
    *,
    chars: int | None = SNIPPET_CHARS,
    ids: bool = False,
) -> None:
    """Print search results for a person.

    Args:
        screen: The console to print on.
        hits: The results in the gateway's answer.
        query: The question; it selects the sentences to show.
        chars: Most characters of one result; None shows the whole text.
        ids: Whether to show the document ids.
    """
    from rich.text import Text

    from ingest.cli.output import clean, indented
    from ingest.cli.render.snippet import snippet

    for number, hit in enumerate(hits):
        if number:
            screen.print()
        page = f", page {hit['page']}" if hit["page"] is not None else ""
        page += " (degraded)" if hit["degraded"] else ""
        score, name = f"{hit['score']:.2f}", clean(hit["filename"])
        screen.print(Text.assemble((score, "bold green"), "  ", (name, "bold"), page))
        if hit["heading_path"]:
            screen.print(indented(" > ".join(hit["heading_path"]), columns=6), style="cyan")
        screen.print(indented(snippet(hit["text"], query, chars=chars), columns=6))
        if ids:
            screen.print(indented(f"document {hit['document_id']}", columns=6), style="dim")
