"""The queues of the stream, event by event: a second opinion on the planner's arithmetic."""

import random
from collections.abc import Generator, Mapping
from typing import Any

import simpy

from ingest.domain.capacity import CPU_SHARE, Cost, Fleet, Mix, Provider, Work, calls_per_document

_CLAIM_AHEAD = 256
_SPREAD = 0.3
"""Of a step's length: the sigma of its log-normal, whose mean is what was measured."""
Events = Generator[simpy.Event, Any, None]


class Stream:
    """Documents that go through claim, parse, chunk and embed pools on a few CPUs."""

    def __init__(
        self, mix: Mix, costs: Mapping[Work, Cost], fleet: Fleet, provider: Provider, beside: Cost
    ) -> None:
        """Begin at nothing; ``beside`` is what else a document costs on the same CPUs."""
        self._env = simpy.Environment()
        calls = calls_per_document(mix, fleet)
        self._need = {work: cost.of(mix, calls=calls) for work, cost in costs.items()}
        self._beside = beside.of(mix, calls=calls)
        self._mix = mix
        self._fleet = fleet
        self._provider = provider
        self._rng = random.Random(9)
        self._cpus = simpy.Resource(self._env, int(fleet.cpus))
        self._ahead = simpy.Resource(self._env, _CLAIM_AHEAD)
        self._driver = simpy.Resource(self._env, 1)
        self._parsers = simpy.Resource(self._env, fleet.parse_pool * fleet.parse_processes)
        self._chunkers = simpy.Resource(self._env, fleet.chunk_pool)
        self._calls = simpy.Resource(self._env, fleet.embed_pool * fleet.embed_concurrency)
        self._embedders = simpy.Resource(self._env, fleet.embed_pool)
        self._granted_until = 0.0
        self._ended: list[float] = []

    def rate(self, documents: int) -> float:
        """Documents a second, of the middle of so many that were there from the beginning."""
        for _ in range(documents):
            self._env.process(self._document())
        self._env.run()
        first, last = int(0.15 * documents), int(0.85 * documents)
        return (last - first) / (self._ended[last] - self._ended[first])

    def _document(self) -> Events:
        with self._ahead.request() as place:
            yield place
            yield from self._work(self._driver, Work.CLAIM, Work.RAY)
            yield from self._work(self._parsers, Work.PARSE)
            yield from self._work(self._chunkers, Work.CHUNK)
            yield from self._embed()
            yield from self._on_cpu(self._need[Work.DATABASE] + self._beside)
        self._ended.append(self._env.now)

    def _work(self, pool: simpy.Resource, *works: Work) -> Events:
        with pool.request() as actor:
            yield actor
            yield from self._on_cpu(sum(self._need[work] for work in works))

    def _on_cpu(self, seconds: float) -> Events:
        with self._cpus.request() as cpu:
            yield cpu
            yield self._env.timeout(self._about(seconds / CPU_SHARE))

    def _embed(self) -> Events:
        """A document's share of a request: it waits for as much of the answer's time."""
        share = calls_per_document(self._mix, self._fleet)
        with self._calls.request() as call:
            yield call
            now, rate = self._env.now, self._provider.share * self._provider.tokens_per_minute / 60
            self._granted_until = max(now, self._granted_until) + self._mix.tokens / rate
            yield self._env.timeout(self._granted_until - now)
            yield self._env.timeout(self._about(share * self._provider.latency_seconds))
            yield from self._work(self._embedders, Work.EMBED)

    def _about(self, seconds: float) -> float:
        return seconds * self._rng.lognormvariate(-(_SPREAD**2) / 2, _SPREAD)
