"""What a system can take in, and what bounds it: arithmetic on costs that were measured.

Each resource has a capacity and each document a demand on it. The slowest one is the bottleneck,
and what all others leave unused is no help: throughput is the least of capacity ÷ demand.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from ingest.domain.pricing import token_cost

SECONDS_A_DAY = 86_400
DAYS_A_MONTH = 30
CPU_SHARE = 0.88
"""Of a machine's CPUs that a stream keeps busy, as runs of ``benchmarks.capacity`` came out: now
and then a stage waits for another, and the machine has its own affairs."""
_HNSW_LINKS_BYTES = 150
"""Neighbours of a row in an HNSW index with m = 16: about 1.07 levels of them, 4.5 bytes each, and
the row's own head."""
_PAGE_FILL = 1.15
"""An index of rows that nearly fill a page wastes a part of it."""
_ROW_BYTES = 230
"""Of a chunk besides its text and its vector: ids, places, digest, heads, and its three b-trees."""
_CHARS_PER_TOKEN = 4.3
_TEXT_PRESSED = 0.75
"""PostgreSQL presses texts of more than 2 KB; about so much of a chunk's text is left."""
MEMORY_PER_CPU_BYTES = 8e9
"""Of a machine that is made for databases, where nobody says what it has."""
TABLE_BYTES = 32 * 1024**4
"""Most that one table of PostgreSQL holds, with its pages of 8 KB."""
_WORDS_INDEX = 0.7
"""Size of the words' index, of English text."""


class Work(StrEnum):
    """What takes CPU time."""

    CLAIM = "claim"
    """The source of the stream and its supervisor."""
    PARSE = "parse"
    CHUNK = "chunk"
    EMBED = "embed"
    """In the embed actors: calls, decoding, storing."""
    DATABASE = "database"
    RAY = "ray"
    """Scheduling of the stream."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds."""

    per_document: float
    per_chunk: float
    per_call: float
    """Of a batch: its way through the stream, the ledger, the call, and the rows' transaction."""

    def of(self, mix: "Mix", *, calls: float) -> float:
        """For a document of the mix that is embedded by so many calls, or by a part of one."""
        return self.per_document + self.per_chunk * mix.chunks + self.per_call * calls


NOTHING = Cost(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Mix:
    """An average document."""

    chunks: float
    tokens: float
    """Of all its chunks together, what they share counted twice."""
    pages_parsed_remotely: float = 0.0


@dataclass(frozen=True, slots=True)
class Provider:
    """Who embeds."""

    tokens_per_minute: float
    requests_per_minute: float
    latency_seconds: float
    usd_per_million_tokens: Decimal
    share: float = 0.97
    """Of the limits that is used."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What there is to work with."""

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
    """Of its own machine, if it has one."""

    @property
    def cpus(self) -> float:
        """Of all nodes."""
        return self.nodes * self.cpus_per_node


@dataclass(frozen=True, slots=True)
class Bound:
    """How much one resource lets through."""

    resource: str
    documents_per_second: float
    remedy: str
    """What moves it."""


def bounds(
    mix: Mix,
    costs: Mapping[Work, Cost],
    fleet: Fleet,
    provider: Provider | None = None,
    *,
    beside: Cost = NOTHING,
) -> list[Bound]:
    """What bounds throughput, the tightest first: that is the bottleneck, then the next one.

    Args:
        mix: The documents.
        costs: Of each kind of work.
        fleet: Pools and machines.
        provider: Of vectors; None embeds in the actors.
        beside: What else a document costs on the same CPUs.
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
    # An actor waits for many answers at once, and works on one thing at a time.
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
    """Requests that a document needs, when there are always enough chunks to fill a batch."""
    return max(mix.chunks / fleet.batch_items, mix.tokens / fleet.batch_tokens)


def fleet_for(
    documents_per_second: float,
    mix: Mix,
    costs: Mapping[Work, Cost],
    start: Fleet,
    provider: Provider | None = None,
) -> Fleet:
    """The smallest pools, and the fewest nodes of the given kind, that let so much through.

    What they cannot change, quotas and the stream itself, stays where it is.
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
    """CPU seconds of a document that the nodes spend."""
    return sum(need.values()) - (0 if fleet.database_here else need[Work.DATABASE])


def _actor_waits(calls: float, embed: float, fleet: Fleet, provider: Provider) -> float:
    """Seconds of an embed actor that a document takes, as it waits for several at once."""
    return (calls * provider.latency_seconds + embed) / fleet.embed_concurrency


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes for a number of chunks."""

    rows: float
    """Texts, vectors and b-trees."""
    vectors_index: float
    """HNSW; it should fit into memory."""
    words_index: float

    @property
    def all(self) -> float:
        """Together."""
        return self.rows + self.vectors_index + self.words_index


def storage(chunks: float, mix: Mix, *, dimension: int, bits: bool) -> Storage:
    """What chunks of the mix take in the database.

    Args:
        chunks: How many.
        mix: What they are like.
        dimension: Of the vectors.
        bits: Whether the index holds one bit a dimension, instead of a half-precision number.
    """
    text = mix.tokens / mix.chunks * _CHARS_PER_TOKEN
    pressed = text * (_TEXT_PRESSED if text > 2000 else 1.0)
    indexed = dimension / 8 if bits else 2 * dimension
    return Storage(
        rows=chunks * (_ROW_BYTES + pressed + 4 * dimension),
        vectors_index=chunks * (indexed + _HNSW_LINKS_BYTES) * _PAGE_FILL,
        words_index=chunks * text * _WORDS_INDEX,
    )


def usd_a_month(documents_per_day: float, mix: Mix, provider: Provider | None) -> Decimal:
    """What embedding so many new documents a day costs in 30 days."""
    if provider is None:
        return Decimal()
    tokens = math.ceil(documents_per_day * DAYS_A_MONTH * mix.tokens)
    return token_cost(tokens, provider.usd_per_million_tokens)


def connections(fleet: Fleet, *, pool_size: int, replicas: int) -> int:
    """Most connections to PostgreSQL that the processes of a fleet open.

    Args:
        fleet: How many actors there are; the claim source and the supervisor come on top.
        pool_size: Most connections of each process.
        replicas: Processes that answer HTTP requests.
    """
    actors = fleet.parse_pool + fleet.chunk_pool + fleet.embed_pool
    return pool_size * (actors + replicas + 2)
