"""``ingest plan``: sizes a system for a number of documents a day."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.options import JsonOption
from ingest.cli.process import run_async

if TYPE_CHECKING:
    from ingest.cli.estimates.capacity_plan import Plan, PlanRequest

MixOption = Annotated[
    str,
    typer.Option(
        metavar="notes|office|books|chunks=N,tokens=N|PATH",
        help="The documents: a kind, figures of an average document, or a folder with samples.",
    ),
]

DatabaseCpusOption = Annotated[
    float | None,
    typer.Option(
        min=1,
        metavar="N",
        help="CPUs of PostgreSQL's own machine; by default PostgreSQL runs on a node.",
        show_default=False,
    ),
]
MemoryOption = Annotated[
    float | None,
    typer.Option(
        min=0.1,
        metavar="GB",
        help="Memory of PostgreSQL's machine in GB; by default 8 GB for each CPU.",
        show_default=False,
    ),
]
CostsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="File with the costs that 'python -m benchmarks.capacity --save' measured.",
        show_default=False,
    ),
]


def plan(
    docs_per_day: Annotated[
        float, typer.Option("--docs-per-day", min=1, metavar="N", help="New documents a day.")
    ],
    mix: MixOption = "office",
    peak: Annotated[
        float,
        typer.Option(
            min=1, metavar="FACTOR", help="Load of the busiest hour, as a multiple of the average."
        ),
    ] = 3.0,
    backlog: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Number of existing documents to ingest as well."),
    ] = 0,
    days: Annotated[
        int, typer.Option(min=1, metavar="N", help="How long documents are kept.")
    ] = 365,
    embedder: Annotated[str | None, typer.Option(help="As if INGEST_EMBEDDER were this.")] = None,
    latency: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Answer time of a provider.")
    ] = 0.3,
    cpus: Annotated[float, typer.Option(min=1, metavar="N", help="CPUs of a node.")] = 2,
    database_cpus: DatabaseCpusOption = None,
    memory: MemoryOption = None,
    costs: CostsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the pools, nodes, quota, storage and money that documents need, and any shortage.

    Quotas and prices come from the settings. The costs of each stage were measured on two cores of
    a shared machine; --costs reads your own measurements instead.
    """
    from ingest.cli.estimates import capacity_plan
    from ingest.cli.output import console, emit_json, facts

    request = capacity_plan.PlanRequest(
        docs_per_day=docs_per_day,
        peak=peak,
        backlog=backlog,
        days=days,
        latency=latency,
        cpus=cpus,
        database_cpus=database_cpus,
        memory=memory,
    )
    found = run_async(_plan(request, mix, embedder, costs))
    if as_json:
        emit_json(capacity_plan.as_json(found))
    else:
        console().print(facts(capacity_plan.lines(found)))


async def _plan(
    request: "PlanRequest", mix: str, embedder: str | None, costs: Path | None
) -> "Plan":
    from ingest.cli.estimates import capacity_plan
    from ingest.cli.estimates.files import changed_settings

    settings = changed_settings({"embedder": embedder})
    return capacity_plan.make(
        request,
        await capacity_plan.mix_of(mix, settings),
        capacity_plan.costs_of(costs, settings),
        settings,
    )
