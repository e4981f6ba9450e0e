"""``ingest estimate``."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.failures import ExitCode, WrongUsage
from ingest.cli.options import JsonOption
from ingest.cli.output import Json
from ingest.cli.process import run_async

if TYPE_CHECKING:
    from ingest.cli.selection import Selection
    from ingest.lifecycle.estimate import Estimate
    from ingest.settings import Settings

_EVERY_SECONDS = 10.0


def estimate(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, folders or quoted patterns.")
    ],
    parser: Annotated[
        str | None,
        typer.Option(help="As if INGEST_PARSER were this: local, llamaparse or auto."),
    ] = None,
    embedder: Annotated[
        str | None, typer.Option(help="As if INGEST_EMBEDDER were this: local or openai.")
    ] = None,
    tier: Annotated[
        str | None, typer.Option(help="As if INGEST_LLAMAPARSE_TIER were this.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what files would cost, without uploading or paying anything.

    The files are parsed and cut here. What was embedded or parsed before is not paid again, so
    the bill is at most this, unless a parse has to be repeated on a better tier.
    """
    run(paths, {"parser": parser, "embedder": embedder, "llamaparse_tier": tier}, as_json=as_json)


def run(paths: list[str], changes: dict[str, str | None], *, as_json: bool) -> None:
    """Estimate and print; ``changes`` are settings that count instead of the real ones.

    Raises:
        WrongUsage: a path does not exist, or a setting cannot have this value.
    """
    from ingest.cli.output import console, emit_json, facts, say
    from ingest.cli.selection import count_reasons, select

    selection = select(paths)
    settings = changed_settings(changes)
    found = run_async(look_at(selection, settings))
    skipped = count_reasons(selection.skipped)
    if as_json:
        emit_json(_as_json(found, settings) | {"skipped": skipped})
    else:
        console().print(facts(_facts(found, settings, skipped)))
    if found.rejected:
        say(f"{sum(found.rejected.values())} of the files would be rejected")
        raise typer.Exit(ExitCode.FAILED)


def changed_settings(changes: dict[str, str | None]) -> "Settings":
    """The settings, as if these were others.

    Raises:
        WrongUsage: one cannot have this value.
    """
    from ingest import settings
    from ingest.settings.providers import EmbedderKind, ParserKind, Tier

    kinds = {"parser": ParserKind, "embedder": EmbedderKind, "llamaparse_tier": Tier}
    wanted = {}
    for name, value in changes.items():
        if value is None:
            continue
        known = [str(member.value) for member in kinds[name]]
        if value not in known:
            option = name.removeprefix("llamaparse_")
            raise WrongUsage(f"--{option} must be {' or '.join(known)}, not {value!r}")
        wanted[name] = kinds[name](value)
    return settings.load().model_copy(update=wanted)


async def look_at(selection: "Selection", settings: "Settings") -> "Estimate":
    """Parse and cut files here, and add up what they would cost."""
    import time

    from ingest import wiring
    from ingest.cli.output import say
    from ingest.domain.errors import DocumentRejected
    from ingest.domain.media import detect

    estimator, local = wiring.make_estimator(settings)
    spoke = time.monotonic()
    try:
        for number, file in enumerate(selection.files, start=1):
            data = await asyncio.to_thread(file.path.read_bytes)
            try:
                media_type = detect(data, filename=file.path.name)
            except DocumentRejected as exc:
                estimator.estimate.rejected[exc.code] += 1
                continue
            await estimator.add(data, file.path.name, media_type)
            if time.monotonic() - spoke > _EVERY_SECONDS:
                spoke = time.monotonic()
                say(f"{number:,} of {len(selection.files):,} files looked at")
    finally:
        await local.close()
    return estimator.estimate


def _as_json(found: "Estimate", settings: "Settings") -> Json:
    from ingest.domain.money import plain

    return {
        "documents": found.documents,
        "rejected": dict(found.rejected),
        "pages": found.pages,
        "chunks": found.chunks,
        "tokens": found.tokens,
        "parser": settings.parser.value,
        "embedder": settings.embedder.value,
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

    rejected = ", ".join(f"{count} {code}" for code, count in found.rejected.most_common())
    tier = settings.llamaparse_tier.value
    by_provider = (
        f"{plural(found.provider_documents, 'document')} by LlamaParse ({tier}), "
        f"{plural(found.credits, 'credit')}: {money(found.parse_usd)}"
    )
    model = settings.openai_model if settings.embedder.value == "openai" else "local"
    return [
        ("documents", f"{found.documents:,}"),
        ("rejected", rejected or None),
        ("skipped", ", ".join(f"{n:,} {why}" for why, n in skipped.items()) or None),
        ("pages", f"{found.pages:,}"),
        ("chunks", f"{found.chunks:,}"),
        ("parsing", by_provider if found.provider_documents else "local: nothing"),
        ("embedding", f"{plural(found.tokens, 'token')}, {model}: {money(found.embed_usd)}"),
        ("at most", money(found.usd)),
    ]
