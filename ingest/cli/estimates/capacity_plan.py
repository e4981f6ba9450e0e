"""Computes the pools, nodes, storage and money that a wanted number of documents needs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from ingest.cli.estimates.files import estimate_files
from ingest.cli.exit_codes import WrongUsage
from ingest.cli.output import Json, duration, money, plural, size
from ingest.cli.uploads.select_files import select
from ingest.domain import capacity
from ingest.domain.capacity import Bound, Cost, Fleet, Mix, Provider, Storage, Work
from ingest.domain.local_models import MINILM
from ingest.domain.pricing import plain
from ingest.domain.stage_costs import LOCAL, PROVIDER
from ingest.domain.stage_costs import MINILM as OF_MINILM
from ingest.domain.token_bucket import PACE
from ingest.settings import Settings
from ingest.wiring.chunking import batch_limits
from ingest.wiring.providers import embedding_model, price_today, provider_keys

_PER = ("document", "chunk", "call")
KINDS = {
    "notes": Mix(chunks=1, tokens=250),
    "office": Mix(chunks=8, tokens=3_200),
    "books": Mix(chunks=500, tokens=225_000),
}
"""Average documents: a page of text, a report of six pages, a book of three hundred pages."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """The wanted load, and the machines."""

    docs_per_day: float
    peak: float
    """Load of the busiest hour, as a multiple of the average hour."""
    backlog: int
    days: int
    """How long documents are kept."""
    latency: float
    """Seconds that a provider takes to answer."""
    cpus: float
    """CPUs of a node."""
    database_cpus: float | None
    """CPUs of PostgreSQL's own machine; None: PostgreSQL runs on a node."""
    memory: float | None = None
    """Memory of PostgreSQL's machine in GB; None: the usual memory for its number of CPUs."""

    @property
    def documents_per_second(self) -> float:
        """Documents per second in the busiest hour."""
        return self.docs_per_day * self.peak / capacity.SECONDS_A_DAY

    @property
    def memory_bytes(self) -> float:
        """Memory of the one machine that runs PostgreSQL."""
        if self.memory is not None:
            return self.memory * 1e9
        return (self.database_cpus or self.cpus) * capacity.MEMORY_PER_CPU_BYTES


@dataclass(frozen=True, slots=True)
class Plan:
    """The pools, nodes, storage and money for a request."""

    request: PlanRequest
    mix: Mix
    fleet: Fleet
    bounds: list[Bound]
    """Limits of the fleet, the lowest first."""
    storage: Storage
    connections: int
    usd_a_month: Decimal
    backlog_usd: Decimal

    @property
    def is_enough(self) -> bool:
        """Whether the system can process the busiest hour."""
        return self.bounds[0].documents_per_second >= self.request.documents_per_second

    @property
    def fits_memory(self) -> bool:
        """Whether the vector index, which every search reads, fits in memory."""
        return self.storage.vectors_index <= self.request.memory_bytes

    @property
    def fits_table(self) -> bool:
        """Whether the rows fit in a table of PostgreSQL."""
        return self.storage.rows <= capacity.TABLE_BYTES

    @property
    def backlog_seconds(self) -> float | None:
        """Seconds until the backlog is done, beside new documents at the average rate, or None."""
        spare = self.bounds[0].documents_per_second
        spare -= self.request.docs_per_day / capacity.SECONDS_A_DAY
        return self.request.backlog / spare if spare > 0 else None


def make(request: PlanRequest, mix: Mix, costs: Mapping[Work, Cost], settings: Settings) -> Plan:
    """Size the pools for the busiest hour, and find the resources that limit it."""
    provider = _provider(settings, request.latency)
    limits = batch_limits(settings)
    start = Fleet(
        cpus_per_node=request.cpus,
        parse_processes=settings.parse_processes,
        embed_concurrency=settings.embed_concurrency,
        batch_items=limits.items,
        batch_tokens=limits.tokens,
        database_here=request.database_cpus is None,
        database_cpus=request.database_cpus or request.cpus,
    )
    fleet = capacity.fleet_for(request.documents_per_second, mix, costs, start, provider)
    kept = request.docs_per_day * request.days + request.backlog
    return Plan(
        request,
        mix,
        fleet,
        capacity.bounds(mix, costs, fleet, provider),
        capacity.storage(
            kept * mix.chunks,
            mix,
            dimension=embedding_model(settings).dimension,
            bits=False,
        ),
        capacity.connections(
            fleet, pool_size=settings.database_pool_size, replicas=settings.http_replicas
        ),
        capacity.usd_a_month(request.docs_per_day, mix, provider),
        capacity.usd_a_month(request.backlog / capacity.DAYS_A_MONTH, mix, provider),
    )


def _provider(settings: Settings, latency: float) -> Provider | None:
    spec = settings.embedding_provider
    if spec is None:
        return None
    access, keys = settings.of(spec), max(1, len(provider_keys(settings, spec).current()))
    return Provider(
        keys * (access.tokens_per_minute or 0),
        keys * access.requests_per_minute,
        latency,
        price_today(settings, spec, embedding_model(settings).name),
        settings.quota_share * PACE,
    )


async def mix_of(text: str, settings: Settings) -> Mix:
    """Find the average document that ``--mix`` names.

    Raises:
        WrongUsage: the text is not a kind, not figures and not a folder.
    """
    if text in KINDS:
        return KINDS[text]
    if "=" in text:
        return _figures(text)
    found = await estimate_files(select([text]), settings)
    if not found.chunks:
        raise WrongUsage(f"--mix {text}: none of the files can be ingested")
    return Mix(found.chunks / found.documents, found.tokens / found.documents)


def _figures(text: str) -> Mix:
    try:
        named = dict(part.split("=") for part in text.split(","))
        mix = Mix(**{name: float(value) for name, value in named.items()})
    except (TypeError, ValueError):
        mix = Mix(0, 0)
    if mix.chunks <= 0 or mix.tokens <= 0:
        raise WrongUsage(f"--mix must be like chunks=8,tokens=3200, not {text!r}")
    return mix


def costs_of(file: Path | None, settings: Settings) -> Mapping[Work, Cost]:
    """Read the cost of each kind of work.

    Raises:
        WrongUsage: the file is not what the benchmark writes.
    """
    if file is None:
        if settings.embedding_provider is not None:
            return PROVIDER
        return OF_MINILM if settings.local_model == MINILM.name else LOCAL
    try:
        found = json.loads(file.read_text())["results"]
        return {
            work: Cost(*(found[f"{work}_ms_per_{per}"] / 1000 for per in _PER)) for work in Work
        }
    except (ValueError, KeyError, TypeError):
        raise WrongUsage(f"{file} is not what 'python -m benchmarks.capacity' saves") from None


def as_json(plan: Plan) -> Json:
    """Convert the plan to JSON."""
    storage = plan.storage
    return {
        "documents_per_second": plan.request.documents_per_second,
        "mix": asdict(plan.mix),
        "fleet": asdict(plan.fleet),
        "bounds": [asdict(bound) for bound in plan.bounds],
        "is_enough": plan.is_enough,
        "connections": plan.connections,
        "rows_bytes": round(storage.rows),
        "vectors_index_bytes": round(storage.vectors_index),
        "memory_bytes": round(plan.request.memory_bytes),
        "fits_memory": plan.fits_memory,
        "fits_table": plan.fits_table,
        "words_index_bytes": round(storage.words_index),
        "usd_a_month": plain(plan.usd_a_month),
        "backlog_seconds": plan.backlog_seconds,
        "backlog_usd": plain(plan.backlog_usd),
    }


def lines(plan: Plan) -> Iterator[tuple[str, object]]:
    """Format the plan for people."""
    request, fleet, storage = plan.request, plan.fleet, plan.storage
    first, second = plan.bounds[:2]
    wanted = request.documents_per_second
    yield (
        "wanted",
        f"{_figure(wanted)} documents/s in the busiest hour ({request.peak:g} × the average)",
    )
    yield "a document", f"{_chunks(plan.mix.chunks)}, {plan.mix.tokens:,.0f} tokens"
    yield (
        "pools",
        (
            f"parse {fleet.parse_pool}, chunk {fleet.chunk_pool}, embed {fleet.embed_pool} "
            f"(INGEST_PARSE_POOL_MAX, INGEST_CHUNK_POOL_MAX, INGEST_EMBED_POOL_MAX)"
        ),
    )
    yield (
        "nodes",
        f"{fleet.nodes} of {request.cpus:g} CPUs"
        + (", PostgreSQL on them" if fleet.database_here else ", besides PostgreSQL's"),
    )
    yield "connections", f"up to {plan.connections} to PostgreSQL"
    yield "bottleneck", _bound(first)
    yield "then", _bound(second)
    if not plan.is_enough:
        share = first.documents_per_second / wanted
        yield "short", f"only {share:.0%} of what is wanted gets through: {first.remedy}"
    yield from _shortages(plan)
    kept = f"after {plural(request.days, 'day')}"
    yield "database", f"{_bytes(storage.all)} {kept}: {_bytes(storage.rows)} rows, the rest indexes"
    yield "memory", f"{_bytes(storage.vectors_index)} for the vectors' index to stay in it"
    if request.backlog:
        took = plan.backlog_seconds
        done = "never done, new documents take everything" if took is None else duration(took)
        yield "backlog", f"{plural(request.backlog, 'document')}: {done}, {money(plan.backlog_usd)}"
    yield "money", f"{money(plan.usd_a_month)} a month for embedding"


def _bound(bound: Bound) -> str:
    return f"{bound.resource}, at {_figure(bound.documents_per_second)} documents/s: {bound.remedy}"


def _shortages(plan: Plan) -> Iterator[tuple[str, str]]:
    """Find the limits of one PostgreSQL, which more nodes do not raise."""
    days = "fewer --days"
    if not plan.fits_memory:
        has = "is taken to have" if plan.request.memory is None else "has"
        yield (
            "short",
            (
                f"memory: {_bytes(plan.storage.vectors_index)} for the vectors' index, and "
                f"PostgreSQL's machine {has} {_bytes(plan.request.memory_bytes)} (--memory): "
                f"searches would wait for the disk. More memory, {days}, or an index of bits "
                "('ingest index advise')"
            ),
        )
    if not plan.fits_table:
        yield (
            "short",
            (
                f"storage: {_bytes(plan.storage.rows)} of rows, and one table of PostgreSQL holds "
                f"32 TB: {days}, or several systems with a part of the documents each"
            ),
        )


def _figure(value: float) -> str:
    """Format a rate with three digits, the precision of the measured costs."""
    return (
        f"{value:,.0f}" if value >= 100 else f"{float(f'{value:.3g}'):.10f}".rstrip("0").rstrip(".")
    )


def _chunks(value: float) -> str:
    if value == int(value):
        return plural(int(value), "chunk")
    return f"{value:,.1f} chunks" if value < 100 else f"{value:,.0f} chunks"


def _bytes(count: float) -> str:
    """Format bytes with two digits, the precision of an estimate: 4.3 TB, 38 TB."""
    number, unit = size(count).split()
    return f"{float(number):.0f} {unit}" if float(number) >= 10 else f"{number} {unit}"
