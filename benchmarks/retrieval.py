"""How good search is: public test collections and planted sentences, against BM25.

Every document is uploaded to a running system and every question is asked over HTTP, in each mode
that the API offers. A collection is a tenant of its own. BM25 and its fusion with the product's
ranking by vectors are computed on the same texts in the same run.
"""

import asyncio
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import generated_collection
from benchmarks.collections import SOURCES, Collection, load, present
from benchmarks.own_database import own_database
from benchmarks.planted import Planted, planted, read_planted
from benchmarks.ranking import Language, bm25, evaluate, fuse_runs, share_within
from benchmarks.report import Report, Results, arguments, finish
from benchmarks.running_system import running_system
from benchmarks.search_client import SearchClient
from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.identity import tenant_id_of
from ingest.settings import Auth

_FILENAME = "document.txt"
"""Every document of a collection has this name, which says nothing about it."""
_PLANTED, _GIVEN = "planted", "given"
_UPLOAD_SECONDS = 1800.0
_LEAST_RATIO = 0.001
"""Stands for a ranking that finds nothing."""
_VECTOR = "vector"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is measured."""

    quick: bool = False
    folder: Path | None = None
    """Holds the public collections."""
    given: Path | None = None
    """Holds planted sentences of others."""
    local_model: str = "wordllama"
    port: int | None = None

    def collections(self) -> Iterator[tuple[str, Collection, Language]]:
        """Each collection with its name and language; the generated one without a folder.

        Raises:
            SystemExit: no whole collection is in the folder.
        """
        if self.folder is None or self.quick:
            yield generated_collection.NAME, generated_collection.generated(), Language.ENGLISH
            return
        names = present(self.folder)
        if not names:
            wanted = ", ".join(
                f"{source.folder}/{file}" for source in SOURCES.values() for file in source.digests
            )
            raise SystemExit(f"no collection has all its files in {self.folder}: {wanted}")
        for name in names:
            yield name, load(name, self.folder), SOURCES[name].language

    def plantings(self) -> Iterator[tuple[str, Planted]]:
        """Planted sentences, by the name of their set."""
        yield _PLANTED, planted()
        if self.given and not self.quick:
            yield _GIVEN, read_planted(self.given)


@dataclass
class Bench:
    """A running system, and what was measured with it."""

    client_of: Callable[[str], SearchClient]
    results: Results = field(default_factory=dict)
    sizes: list[str] = field(default_factory=list)
    ratios: dict[str, list[float]] = field(default_factory=dict)
    """nDCG@10 of a ranking as a share of BM25's, of each collection."""
    refused: int = 0

    def collection(self, name: str, texts: Collection, language: Language) -> None:
        """Measure a collection in each mode, and what it is compared with."""
        with closing(self.client_of(name)) as client:
            files = {key: (_FILENAME, text.encode()) for key, text in texts.documents.items()}
            if refused := client.upload(files, seconds=_UPLOAD_SECONDS):
                raise RuntimeError(f"{name}: documents were refused: {refused[:5]}")
            default, modes = client.modes()
            runs = {mode: client.rank(texts.queries, mode, deep=mode != default) for mode in modes}
            self.refused += client.refused
        words = bm25(texts.documents, texts.queries, language)
        baseline = evaluate(words, texts.relevant).ndcg
        compared = {_prefix(mode, default): run for mode, run in runs.items()}
        compared |= {"bm25_": words, "rrf_": fuse_runs(runs[_VECTOR], words)}
        for way, run in compared.items():
            found = evaluate(run, texts.relevant)
            self.results |= {
                f"{way}ndcg10_{name}": found.ndcg,
                f"{way}recall10_{name}": found.recall,
                f"{way}mrr10_{name}": found.mrr,
            }
            if way != "bm25_" and baseline:
                self.results[f"{way}ratio_vs_bm25_{name}"] = found.ndcg / baseline
                self.ratios.setdefault(way, []).append(found.ndcg / baseline)
        self.sizes.append(f"{name} ({len(texts.documents)} / {len(texts.queries)})")

    def planting(self, name: str, made: Planted) -> None:
        """Measure planted sentences in each mode, and with BM25."""
        with closing(self.client_of(name)) as client:
            refused = set(client.upload(made.files, seconds=_UPLOAD_SECONDS))
            if lost := refused & set(made.wanted.values()):
                raise RuntimeError(f"{name}: documents were refused: {sorted(lost)[:5]}")
            default, modes = client.modes()
            runs = {
                _prefix(mode, default): client.rank(made.queries, mode, deep=False)
                for mode in modes
            }
            self.refused += client.refused
        texts = {key: f"{file}\n{_readable(data)}" for key, (file, data) in made.files.items()}
        runs["bm25_"] = bm25(texts, made.queries)
        for way, run in runs.items():
            self.results[f"{way}{name}_first_share"] = share_within(run, made.wanted, 1)
            self.results[f"{way}{name}_in_three_share"] = share_within(run, made.wanted, 3)
        for kind in dict.fromkeys(made.kinds.values()):
            of_kind = share_within(runs[""], made.only(kind), 1)
            self.results[f"{name}_first_share_{kind}"] = of_kind
        self.sizes.append(f"{name} ({len(made.files)} / {len(made.queries)})")

    def summary(self) -> Results:
        """Geometric means over the collections."""
        results: Results = {
            f"{way}ratio_vs_bm25": math.exp(statistics.mean(map(_log, ratios)))
            for way, ratios in self.ratios.items()
        }
        results["least_ratio_vs_bm25"] = min(self.ratios[""])
        results["questions_refused"] = self.refused
        return results


def _prefix(mode: str, default: str) -> str:
    """What the names of a mode's figures begin with."""
    return "" if mode == default else f"{mode}_"


def _log(ratio: float) -> float:
    return math.log(max(ratio, _LEAST_RATIO))


def _readable(data: bytes) -> str:
    return data.decode("utf-8", errors="ignore")


def measure(chosen: Chosen) -> Report:
    """Measure all collections and planted sentences with one system."""
    collections, plantings = list(chosen.collections()), list(chosen.plantings())
    names = [name for name, *_ in collections] + [name for name, _ in plantings]
    with ExitStack() as stack:
        folder, url = stack.enter_context(own_database())
        keys = asyncio.run(_keys(url, names))
        system = stack.enter_context(
            running_system(
                folder / "s",
                port=chosen.port,
                database_url=url,
                auth=Auth.KEYS,
                local_model=chosen.local_model,
            )
        )
        bench = Bench(lambda name: SearchClient(system.url, keys[name]))
        for name, texts, language in collections:
            bench.collection(name, texts, language)
        for name, made in plantings:
            bench.planting(name, made)
    return _report(chosen, bench, [name for name, *_ in collections])


async def _keys(url: str, names: Sequence[str]) -> Mapping[str, str]:
    """An API key for a tenant of each name."""
    database = Database(url)
    try:
        keys = KeyStore(database)
        return {name: (await keys.create(tenant_id_of(name), "benchmark"))[1] for name in names}
    finally:
        await database.close()


def _report(chosen: Chosen, bench: Bench, names: Sequence[str]) -> Report:
    licences = {name: SOURCES[name].licence for name in names if name in SOURCES}
    origin = (
        "; ".join(f"{name}: {licence}" for name, licence in licences.items())
        if licences
        else "no public collection was there, so a generated one stands in"
    )
    return Report(
        "retrieval",
        {"collections": len(names), "embedder": chosen.local_model, "names": ", ".join(names)},
        "BM25 (bm25_*), and its fusion with the product's ranking by vectors (rrf_*)",
        bench.summary() | bench.results,
        dataset=f"Documents / questions: {', '.join(bench.sizes)}. Licences: {origin}.",
    )


def main() -> None:
    """Run as a program."""
    parser = arguments(description=__doc__)
    parser.add_argument(
        "--collections",
        type=Path,
        metavar="FOLDER",
        help="folder with the public collections; without it, and with --quick, a generated one",
    )
    parser.add_argument(
        "--planted", type=Path, metavar="FOLDER", help="folder with a queries.jsonl of your own"
    )
    parser.add_argument("--local-model", default="wordllama", help="as INGEST_LOCAL_MODEL")
    parser.add_argument("--port", type=int, help="of the system; any free one by default")
    asked = parser.parse_args()
    chosen = Chosen(asked.quick, asked.collections, asked.planted, asked.local_model, asked.port)
    finish(measure(chosen), asked)


if __name__ == "__main__":
    main()
