"""``ingest search`` and ``ingest delete``."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ingest.cli.options import JsonOption, KeyOption, UrlOption
from ingest.cli.output import Json
from ingest.cli.process import run_async
from ingest.domain.search_mode import SearchMode

if TYPE_CHECKING:
    from rich.console import Console

    from ingest.cli.client.gateway_client import GatewayClient

SNIPPET_CHARS = 400
_NAMED = 3
"""Other documents with the same text that are named; of more, the number is shown."""


def search(
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY",
            help='A question, or words. Chunks with "two words" side by side come first, chunks '
            "with -word are left out, word* stands for all words that begin so.",
        ),
    ],
    k: Annotated[
        int, typer.Option("-k", metavar="N", min=1, max=100, help="Show at most N results.")
    ] = 5,
    mode: Annotated[
        SearchMode,
        typer.Option(
            help="hybrid: by meaning and by words. vector: by meaning. lexical: by words."
        ),
    ] = SearchMode.HYBRID,
    full: Annotated[bool, typer.Option("--full", help="Show whole chunks.")] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the passages that answer a question best.

    Each result shows its score (the best comes first), its file, its page and its headings where
    the format has them, the columns of the table or the sentence before the list that it is a part
    of, its text, other documents with the same text, and the id of its document
    for 'ingest delete'. "exact" marks a passage that holds the query as it is written. A terminal
    underlines the words that were found.

    Put -- before a query that begins with a minus: ingest search -- "-draft report".
    """
    from ingest.cli.client.connect import connect
    from ingest.cli.output import console, emit_json

    async def ask() -> tuple[Json, Mapping[str, str]]:
        async with connect(url, key) as gateway:
            found = await gateway.post("/v1/search", {"query": query, "k": k, "mode": mode})
            return found, {} if as_json else await _names(gateway, found["hits"])

    answer, names = run_async(ask())
    if as_json:
        emit_json(answer)
    elif not answer["hits"]:
        typer.echo(_nothing(query, mode))
    else:
        shown = None if full else SNIPPET_CHARS
        show_hits(console(), answer["hits"], query, chars=shown, ids=True, names=names)


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
    names: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Print search results for a person.

    Args:
        screen: The console to print on.
        hits: The results in the gateway's answer.
        query: The question; it selects the sentences to show and the words to emphasise.
        chars: Most characters of one result; None shows the whole text.
        ids: Whether to show the document ids.
        names: File names of documents in ``also_in``, by id.
    """
    from rich.text import Text

    from ingest.cli.output import clean, indented
    from ingest.cli.render.snippet import emphasised, snippet
    from ingest.domain.chunk_context import opening_in

    for number, hit in enumerate(hits):
        if number:
            screen.print()
        facts = f", page {hit['page']}" if hit["page"] is not None else ""
        facts += ", exact" if hit["is_exact"] else ""
        facts += " (degraded)" if hit["degraded"] else ""
        score, name = f"{hit['score']:.2f}", clean(hit["filename"])
        screen.print(Text.assemble((score, "bold green"), "  ", (name, "bold"), facts))
        if hit["heading_path"]:
            path = " > ".join(hit["heading_path"])
            screen.print(emphasised(path, query, columns=6, style="cyan"))
        opening = opening_in(hit["context"] or "", hit["filename"], hit["heading_path"])
        if opening:
            screen.print(emphasised(" | ".join(opening), query, columns=6, style="dim"))
        screen.print(emphasised(snippet(hit["text"], query, chars=chars), query, columns=6))
        if hit["also_in"]:
            screen.print(indented(_also_in(hit["also_in"], names), columns=6), style="dim")
        if ids:
            screen.print(indented(f"document {hit['document_id']}", columns=6), style="dim")


def _also_in(documents: Sequence[str], names: Mapping[str, str]) -> str:
    from ingest.cli.output import plural

    named = [f"{names[one]} ({one})" if one in names else one for one in documents[:_NAMED]]
    more = len(documents) - len(named)
    return f"also in {', '.join(named)}" + (
        f" and {plural(more, 'other document')}" if more else ""
    )


async def _names(gateway: "GatewayClient", hits: Sequence[Json]) -> dict[str, str]:
    """File names of the other documents that are shown; of a deleted one there is none."""
    from ingest.cli.exit_codes import Refused

    names = {}
    for document in dict.fromkeys(one for hit in hits for one in hit["also_in"][:_NAMED]):
        with suppress(Refused):
            names[document] = (await gateway.get(f"/v1/documents/{document}"))["filename"]
    return names


def _nothing(query: str, mode: SearchMode) -> str:
    """Say why there is no result, and what to do."""
    from ingest.adapters.text_analysis.query import parse

    if mode is not SearchMode.VECTOR and parse(query).excluded:
        return "nothing found: search again without the words that follow a minus"
    if mode is SearchMode.LEXICAL:
        return "nothing found: no passage holds these words; --mode hybrid searches by meaning, too"
    return "nothing found: no document is searchable yet; 'ingest status' shows the queue"
