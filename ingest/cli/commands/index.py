"""``ingest index``: shows, compares and builds the indexes of vectors."""

from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.commands.keys import with_database
from ingest.cli.exit_codes import CommandFailed, WrongUsage
from ingest.cli.options import JsonOption
from ingest.domain.index_kind import (
    EF_CONSTRUCTION,
    LEAST_EF_CONSTRUCTION,
    MOST_EF_CONSTRUCTION,
    IndexKind,
)
from ingest.domain.search_recall import RECALL_TARGET

if TYPE_CHECKING:
    from ingest.adapters.postgres.pool import Database
    from ingest.adapters.postgres.search.index_store import IndexedSpace
    from ingest.adapters.postgres.search.index_trial import Embed, Trials
    from ingest.domain.embedding import EmbeddingModel

index = typer.Typer(help="Show, compare and build the indexes of vectors.", no_args_is_help=False)
_K = 10
ModelOption = Annotated[
    str | None,
    typer.Option(metavar="NAME@VERSION", help="The vector space; by default that of the settings."),
]
EfConstruction = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=LEAST_EF_CONSTRUCTION,
        max=MOST_EF_CONSTRUCTION,
        help="Build quality of the index: a lower value makes inserts faster and recall lower. The "
        "default is the value of the last build, at first 64.",
        show_default=False,
    ),
]
KindOption = Annotated[
    IndexKind, typer.Option(help="Kind of index; 'ingest index advise' recommends one.")
]


@index.callback(invoke_without_command=True)
def _index(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@index.command()
def show(as_json: JsonOption = False) -> None:
    """List the vector spaces and their indexes."""
    from dataclasses import asdict

    from ingest.adapters.postgres.search.index_store import IndexStore
    from ingest.cli.output import console, emit_json, size, table

    spaces = with_database(lambda database: IndexStore(database).spaces())
    if as_json:
        emit_json([asdict(space) for space in spaces])
        return
    rows = [
        (
            f"{space.embed_model}@{space.embed_version}",
            f"{space.dimension:,}",
            _named(space.index_kind, space.ef_construction, is_there=space.bytes is not None),
            "" if space.vectors is None else f"{space.vectors:,}",
            "" if space.bytes is None else size(space.bytes),
            "" if space.bytes is None or space.usable else "not usable: build it again",
        )
        for space in spaces
    ]
    console().print(table(["model", "dimension", "index", "vectors", "size", ""], rows))
    for space in spaces:
        _tell_recall(space)


def _tell_recall(space: "IndexedSpace") -> None:
    """Print what the system measured: the mean over the tenants, and the worst."""
    if space.mean_recall is None or space.worst_recall is None:
        return
    exact = f", {space.exact} searched exactly" if space.exact else ""
    tenants = "1 tenant" if space.measured == 1 else f"{space.measured:,} tenants"
    typer.echo(
        f"{space.embed_model}@{space.embed_version}: recall@10 {space.mean_recall:.3f}, worst "
        f"tenant {space.worst_recall:.3f} ({tenants} measured{exact})"
    )
    if space.worst_recall < RECALL_TARGET:
        _warn(space)


def _warn(space: "IndexedSpace") -> None:
    label = f"{space.embed_model}@{space.embed_version}"
    typer.echo(
        f"warning: search in {label} finds {space.worst_recall:.3f} of the nearest chunks for one "
        f"tenant; the target is {RECALL_TARGET:g}. Build the index more carefully: ingest index "
        f"build --kind {space.index_kind} --model {label} --ef-construction "
        f"{max(2 * space.ef_construction, 200)}; or raise INGEST_EXACT_SEARCH_MS",
        err=True,
    )


def _named(kind: IndexKind, ef_construction: int, *, is_there: bool) -> str:
    if not is_there:
        return "none: search is exact"
    return str(kind) if ef_construction == EF_CONSTRUCTION else f"{kind} ({ef_construction})"


@index.command()
def advise(
    vectors: Annotated[
        int,
        typer.Option(
            metavar="N", min=100, max=1_000_000, help="Size of the sample in vectors, at most."
        ),
    ] = 20_000,
    questions: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Searches for each kind of index.")
    ] = 100,
    recall: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Lowest acceptable recall@10.")
    ] = RECALL_TARGET,
    ef_construction: EfConstruction = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure each kind of index on a sample of your own vectors, and recommend one.

    Recall is the share of the ten nearest passages of an exact search that the index finds, for
    each tenant. The questions are some of those that were really asked, and sentences of texts that
    are left out of the sample. The command changes nothing: the sample is a temporary table. Recall
    falls as the number of vectors grows, so take a sample as large as time allows.
    """

    async def compare(database: "Database") -> "tuple[Trials, EmbeddingModel]":
        from ingest.adapters.postgres.search.index_trial import IndexTrial

        space, trial = await space_named(database, model), IndexTrial(database)
        trials = await trial.run(
            space,
            vectors=vectors,
            questions=questions,
            k=_K,
            ef_construction=ef_construction or EF_CONSTRUCTION,
            recall=recall,
            embed=_local_embedder(space),
        )
        return trials, space

    trials, space = with_database(compare)
    if not trials.kinds or trials.vectors < _K:
        raise CommandFailed(
            f"too few vectors of {space.label} to compare indexes: ingest more documents first"
        )
    _tell(trials, space, recall, ef_construction, as_json=as_json)


def _local_embedder(space: "EmbeddingModel") -> "Embed | None":
    """What embeds sentences without a cost; None for the models of providers."""
    from ingest.adapters.embedders.wordllama import MODEL, WordllamaEmbedder

    return WordllamaEmbedder().embed if space == MODEL else None


def _tell(
    trials: "Trials",
    space: "EmbeddingModel",
    recall: float,
    ef_construction: int | None,
    *,
    as_json: bool,
) -> None:
    from dataclasses import asdict

    from ingest.cli.output import console, emit_json, size, table

    fit = [trial for trial in trials.kinds if trial.recall >= recall]
    best = min(fit, key=lambda trial: trial.build_seconds, default=None)
    if as_json:
        advice = {"questions": trials.questions, "advice": best.kind if best else None}
        emit_json(asdict(trials) | advice)
        return
    rows = [("none (exact)", "", "1.000", "1.000", f"{trials.exact_ms:.1f} ms", "", "")] + [
        (
            str(trial.kind),
            f"{trial.ef_search}",
            f"{trial.recall:.3f}",
            f"{trial.worst_tenant:.3f}",
            f"{trial.search_ms:.1f} ms",
            f"{trials.vectors / trial.build_seconds:,.0f}/s",
            size(trial.bytes_per_vector),
        )
        for trial in trials.kinds
    ]
    console().print(
        f"{trials.vectors:,} vectors of {space.label}; questions: {trials.asked} that were asked, "
        f"{trials.sentences} sentences, {trials.stored} stored vectors; tenants: {trials.tenants}"
    )
    heads = ["index", "candidates", "recall@10", "worst tenant", "search", "build", "a vector"]
    console().print(table(heads, rows))
    if trials.stored:
        typer.echo("stored vectors are found more easily than questions are: expect less recall")
    if best is None:
        typer.echo(f"no kind of index reaches recall {recall:g}; halfvec comes nearest as a rule")
    else:
        care = f" --ef-construction {ef_construction}" if ef_construction else ""
        typer.echo(f"build {best.kind}: ingest index build --kind {best.kind}{care}")


@index.command()
def build(
    kind: KindOption,
    ef_construction: EfConstruction = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a new index beside the present one, and then search with it.

    Ingestion and search continue meanwhile. You can interrupt the command and run it again.
    """
    import time

    from ingest.cli.output import duration, emit_json

    began = time.monotonic()
    space = with_database(lambda database: _build(database, model, kind, ef_construction))
    seconds = time.monotonic() - began
    if as_json:
        emit_json({"model": space.label, "kind": kind, "seconds": round(seconds, 1)})
    else:
        typer.echo(f"{space.label} is indexed as {kind}; it took {duration(seconds)}")


async def _build(
    database: "Database", model: str | None, kind: IndexKind, ef_construction: int | None
) -> "EmbeddingModel":
    from ingest import settings
    from ingest.cli.render.index_progress import show_while
    from ingest.wiring.indexes import open_indexes

    space = await space_named(database, model)
    indexes = open_indexes(settings.load(), database)
    await show_while(indexes, indexes.rebuild(space, kind, ef_construction=ef_construction))
    return space


@index.command()
def drop(
    yes: Annotated[
        bool, typer.Option("--yes", help="Confirm that search may be slow until an index is built.")
    ] = False,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove an index before a large load; build it again afterwards.

    Search stays correct without it, but compares with every vector of the tenant.
    """
    from ingest.cli.output import emit_json

    if not yes:
        raise WrongUsage("search is slow without an index; add --yes to confirm")
    space = with_database(lambda database: _drop(database, model))
    if as_json:
        emit_json({"model": space.label, "dropped": True})
    else:
        typer.echo(f"the index of {space.label} is removed; 'ingest index build' builds one")


async def _drop(database: "Database", model: str | None) -> "EmbeddingModel":
    from ingest.adapters.postgres.search.index_store import IndexStore

    space = await space_named(database, model)
    await IndexStore(database).drop(space)
    return space


async def space_named(database: "Database", label: str | None) -> "EmbeddingModel":
    """Find the vector space with this label; without a label, that of the settings.

    Raises:
        WrongUsage: the database knows no such space.
    """
    from ingest import settings
    from ingest.adapters.postgres.search.index_store import IndexStore
    from ingest.domain.embedding import EmbeddingModel
    from ingest.wiring.providers import embedding_model

    if label is None:
        return embedding_model(settings.load())
    spaces = await IndexStore(database).spaces()
    known = [EmbeddingModel(s.embed_model, s.embed_version, s.dimension) for s in spaces]
    for space in known:
        if space.label == label:
            return space
    raise WrongUsage(f"--model must be one of {', '.join(s.label for s in known)}, not {label!r}")
