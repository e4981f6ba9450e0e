"""``ingest estimate``."""

from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.exit_codes import ExitCode
from ingest.cli.options import JsonOption
from ingest.cli.output import Json
from ingest.cli.process import run_async

if TYPE_CHECKING:
    from ingest.app.providers.cost_estimate import Estimate
    from ingest.settings import Settings


def estimate(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, folders or quoted patterns.")
    ],
    parser: Annotated[
        str | None,
        typer.Option(help="As if INGEST_PARSER were this."),
    ] = None,
    embedder: Annotated[str | None, typer.Option(help="As if INGEST_EMBEDDER were this.")] = None,
    tier: Annotated[
        str | None, typer.Option(help="Estimate for this INGEST_LLAMAPARSE_TIER.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Estimate the cost of files, without uploading or paying anything.

    The files are parsed and chunked on this machine. Nobody pays twice for the same text, so the
    bill is at most this estimate, unless a parse has to be repeated on a better tier.
    """
    run(paths, {"parser": parser, "embedder": embedder, "llamaparse_tier": tier}, as_json=as_json)


def run(paths: list[str], changes: dict[str, str | None], *, as_json: bool) -> None:
    """Estimate and print; ``changes`` replace the values of settings.

    Raises:
        WrongUsage: a path does not exist, or a setting cannot have this value.
    """
    from ingest.cli.estimates.files import changed_settings, estimate_files
    from ingest.cli.output import console, emit_json, facts, say
    from ingest.cli.uploads.select_files import count_reasons, select

    selection = select(paths)
    settings = changed_settings(changes)
    found = run_async(estimate_files(selection, settings))
    skipped = count_reasons(selection.skipped)
    if as_json:
        emit_json(_as_json(found, settings) | {"skipped": skipped})
    else:
        console().print(facts(_facts(found, settings, skipped)))
    if found.rejected:
        say(f"{sum(found.rejected.values())} of the files would be rejected")
        raise typer.Exit(ExitCode.FAILED)


def _as_json(found: "Estimate", settings: "Settings") -> Json:
    from ingest.domain.pricing import plain

    return {
        "documents": found.documents,
        "rejected": dict(found.rejected),
        "pages": found.pages,
        "chunks": found.chunks,
        "tokens": found.tokens,
        "parser": settings.parser,
        "embedder": settings.embedder,
        "provider_documents": found.provider_documents,
        "credits": found.credits,
        "parse_usd": plain(found.parse_usd),
        "embed_usd": plain(found.embed_usd),
        "usd": plain(found.usd),
    }


def _facts(
    found: "Estimate", settings: "Settings", skipped: dict[str, int]
) -> list[tuple[str, object]]:
    from ingest.cli.output import money, plural
    from ingest.wiring.providers import embedding_model, parse_terms

    rejected = ", ".join(f"{count} {code}" for code, count in found.rejected.most_common())
    parsing = "local: nothing"
    if (parser := settings.parsing_provider) is not None and found.provider_documents:
        tier = parse_terms(settings, parser).tiers[0]
        parsing = (
            f"{plural(found.provider_documents, 'document')} by {parser.title} ({tier}), "
            f"{plural(found.credits, 'credit')}: {money(found.parse_usd)}"
        )
    model = embedding_model(settings).name if settings.embedding_provider else "local"
    return [
        ("documents", f"{found.documents:,}"),
        ("rejected", rejected or None),
        ("skipped", ", ".join(f"{n:,} {why}" for why, n in skipped.items()) or None),
        ("pages", f"{found.pages:,}"),
        ("chunks", f"{found.chunks:,}"),
        ("parsing", parsing),
        ("embedding", f"{plural(found.tokens, 'token')}, {model}: {money(found.embed_usd)}"),
        ("at most", money(found.usd)),
    ]
