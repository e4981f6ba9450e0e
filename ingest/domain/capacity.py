"""Computes the throughput of a system from measured costs.

Each resource has a capacity, and each document a demand on it. The throughput is the smallest
capacity ÷ demand; that resource is the bottleneck.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from ingest.domain.pricing import token_cost
from ingest.domain.token_bucket import PACE

SECONDS_A_DAY = 86_400
DAYS_A_MONTH = 30
CPU_SHARE = 0.88
"""Share of a machine's CPUs that a stream keeps busy, measured by ``benchmarks.capacity``: stages
sometimes wait for each other, and the operating system needs a part."""
_HNSW_LINKS_BYTES = 150
"""Bytes for the neighbours of a row in an HNSW index with m = 16: about 1.07 levels of 32 links,
4.5 bytes each, and the header of the row."""
_PAGE_FILL = 1.15
"""Factor for the unused space in index pages, which is large when a row nearly fills a page."""
_ROW_BYTES = 230
"""Bytes of a chunk without its text and vector: ids, positions, digest, headers, three b-trees."""
_CHARS_PER_TOKEN = 4.3
_TEXT_PRESSED = 0.75
"""Size of a chunk's text after PostgreSQL compressed it, which it does above 2 KB."""
MEMORY_PER_CPU_BYTES = 8e9
"""Memory for each CPU of a typical database machine, used when the request names none."""
TABLE_BYTES = 32 * 1024**4
"""Most bytes of one table of PostgreSQL, with pages of 8 KB."""
_TERMS = 1.9
"""Bytes of the terms of a chunk for each character of its text; they are not compressed."""
_WORDS_INDEX = 0.7
"""Size of the full-text index as a share of the English text."""


class Work(StrEnum):
    """Kinds of work that need CPU time."""

    CLAIM = "claim"
    """The source of the stream and its supervisor."""
    PARSE = "parse"
    CHUNK = "chunk"
    EMBED = "embed"
    """Work of the embed actors: calls, decoding, storing."""
    DATABASE = "database"
    RAY = "ray"
    """Scheduling of the stream by Ray."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of one kind of work."""

    per_document: float
    per_chunk: float
    per_call: float
    """Seconds for each batch: the stream, the ledger, the call, and the transaction of its rows."""

    def of(self, mix: "Mix", *, calls: float) -> float:
        """Seconds for a document of the mix; ``calls`` is its number of calls, maybe below 1."""
        return self.per_document + self.per_chunk * mix.chunks + self.per_call * calls


NOTHING = Cost(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Mix:
    """An average document."""

    chunks: float
    tokens: float
    """Tokens of all its chunks; shared tokens count twice."""
    pages_parsed_remotely: float = 0.0


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider of embeddings."""

    tokens_per_minute: float
    requests_per_minute: float
    latency_seconds: float
    usd_per_million_tokens: Decimal
    share: float = PACE
    """Share of its limits that is used."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The pools and machines of a system."""

    nodes: int = 1
    cpus_per_node: float = 2
    parse_pool: int = 1
    parse_processes: int = 1
    chunk_pool: int = 1
    embed_pool: int = 1
    embed_concurrency: int = 4
    batch_items: int = 2048
    batch_tokens: int = 300_000
    database_here: bool = True
    """Whether PostgreSQL shares the nodes' CPUs."""
    database_cpus: float = 2
    """CPUs of PostgreSQL's own machine, if it has one."""

    @property
    def cpus(self) -> float:
        """CPUs of all nodes."""
        return self.nodes * self.cpus_per_node


@dataclass(frozen=True, slots=True)
class Bound:
    """The throughput that one resource allows."""

    resource: str
    documents_per_second: float
    remedy: str
    """The change that raises it."""


def bounds(
    mix: Mix,
    costs: Mapping[Work, Cost],
    fleet: Fleet,
    provider: Provider | None = None,
    *,
    beside: Cost = NOTHING,
) -> list[Bound]:
    """Compute the limits of the throughput, the lowest first: that one is the bottleneck.

    Args:
        mix: The documents.
        costs: The cost of each kind of work.
        fleet: Pools and machines.
        provider: The provider of embeddings; None embeds in the actors.
        beside: Additional CPU seconds for each document on the same nodes.
    """
    calls = calls_per_document(mix, fleet)
    need = {work: costs[work].of(mix, calls=calls) for work in Work}
    here = _on_nodes(need, fleet) + beside.of(mix, calls=calls)
    parsers = fleet.parse_pool * fleet.parse_processes
    found = [
        Bound("cpu", fleet.cpus * CPU_SHARE / here, "more nodes, or CPUs of each"),
        Bound("parse pool", parsers / need[Work.PARSE], "INGEST_PARSE_POOL_MAX"),
        Bound("chunk pool", fleet.chunk_pool / need[Work.CHUNK], "INGEST_CHUNK_POOL_MAX"),
        Bound("stream", 1 / max(need[Work.CLAIM], need[Work.RAY]), "a second stream"),
    ]
    if not fleet.database_here:
        room = fleet.database_cpus * CPU_SHARE
        found.append(Bound("database", room / need[Work.DATABASE], "more CPUs for PostgreSQL"))
    if provider is None:
        found.append(
            Bound("embed pool", fleet.embed_pool / need[Work.EMBED], "INGEST_EMBED_POOL_MAX")
        )
    else:
        found += _provider_bounds(mix, need[Work.EMBED], fleet, provider)
    return sorted(found, key=lambda bound: bound.documents_per_second)


def _provider_bounds(mix: Mix, embed: float, fleet: Fleet, provider: Provider) -> list[Bound]:
    calls = calls_per_document(mix, fleet)
    # An actor waits for many answers at once, but its Python code runs one at a time.
    waiting = fleet.embed_pool / _actor_waits(calls, embed, fleet, provider)
    return [
        Bound(
            "embed pool",
            min(waiting, fleet.embed_pool / embed),
            "INGEST_EMBED_POOL_MAX or INGEST_EMBED_CONCURRENCY",
        ),
        Bound(
            "quota: tokens",
            provider.share * provider.tokens_per_minute / 60 / mix.tokens,
            "a higher tier, or another key",
        ),
        Bound(
            "quota: requests",
            provider.share * provider.requests_per_minute / 60 / calls,
            "larger batches, a higher tier, or another key",
        ),
    ]


def calls_per_document(mix: Mix, fleet: Fleet) -> float:
    """Requests for each document when there are always enough chunks to fill a batch."""
    return max(mix.chunks / fleet.batch_items, mix.tokens / fleet.batch_tokens)


def fleet_for(
    documents_per_second: float,
    mix: Mix,
    costs: Mapping[Work, Cost],
    start: Fleet,
    provider: Provider | None = None,
) -> Fleet:
    """Find the smallest pools, and the fewest nodes of the given kind, for a throughput.

    Quotas and the stream limit the throughput as before.
    """
    calls = calls_per_document(mix, start)
    need = {work: costs[work].of(mix, calls=calls) for work in Work}
    embed = need[Work.EMBED]
    if provider is not None:
        embed = max(embed, _actor_waits(calls, embed, start, provider))
    nodes = _on_nodes(need, start) / (CPU_SHARE * start.cpus_per_node)
    return replace(
        start,
        nodes=_at_least_one(documents_per_second * nodes),
        parse_pool=_at_least_one(documents_per_second * need[Work.PARSE] / start.parse_processes),
        chunk_pool=_at_least_one(documents_per_second * need[Work.CHUNK]),
        embed_pool=_at_least_one(documents_per_second * embed),
    )


def _at_least_one(size: float) -> int:
    return max(1, math.ceil(size))


def _on_nodes(need: Mapping[Work, float], fleet: Fleet) -> float:
    """CPU seconds of the nodes for each document."""
    return sum(need.values()) - (0 if fleet.database_here else need[Work.DATABASE])


def _actor_waits(calls: float, embed: float, fleet: Fleet, provider: Provider) -> float:
    """Seconds of an embed actor for each document; it waits for several answers at once."""
    return (calls * provider.latency_seconds + embed) / fleet.embed_concurrency


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes that a number of chunks needs in the database."""

    rows: float
    """Bytes of texts, terms, vectors and b-trees."""
    vectors_index: float
    """Bytes of the HNSW index, which should fit in memory."""
    words_index: float

    @property
    def all(self) -> float:
        """Bytes of rows and indexes together."""
        return self.rows + self.vectors_index + self.words_index


def storage(chunks: float, mix: Mix, *, dimension: int, bits: bool) -> Storage:
    """Compute the bytes that chunks of the mix need in the database.

    Args:
        chunks: Number of chunks.
        mix: The average document.
        dimension: Dimension of the vectors.
        bits: Whether the index holds one bit for each dimension, instead of two bytes.
    """
    text = mix.tokens / mix.chunks * _CHARS_PER_TOKEN
    pressed = text * (_TEXT_PRESSED if text > 2000 else 1.0)
    indexed = dimension / 8 if bits else 2 * dimension
    return Storage(
        rows=chunks * (_ROW_BYTES + pressed + text * _TERMS + 4 * dimension),
        vectors_index=chunks * (indexed + _HNSW_LINKS_BYTES) * _PAGE_FILL,
        words_index=chunks * text * _WORDS_INDEX,
    )


def usd_a_month(documents_per_day: float, mix: Mix, provider: Provider | None) -> Decimal:
    """Cost of embedding in 30 days, for a number of new documents a day."""
    if provider is None:
        return Decimal()
    tokens = math.ceil(documents_per_day * DAYS_A_MONTH * mix.tokens)
    return token_cost(tokens, provider.usd_per_million_tokens)


def connections(fleet: Fleet, *, pool_size: int, replicas: int) -> int:
    """Most connections to PostgreSQL that the processes of a fleet open.

    Args:
        fleet: The actors; the claim source and the supervisor are added.
        pool_size: Most connections of each process.
        replicas: Processes that answer HTTP requests.
    """
    actors = fleet.parse_pool + fleet.chunk_pool + fleet.embed_pool
    return pool_size * (actors + replicas + 2)
