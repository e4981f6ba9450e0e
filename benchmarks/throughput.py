"""Mixed documents, queued already, to searchable: the whole stream against a plain script."""

import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from benchmarks.corpus import mixed_corpus
from benchmarks.own_database import empty, own_database, set_index
from benchmarks.plain_script import PlainScript
from benchmarks.queued import enqueue, set_free, wait_until_done
from benchmarks.report import Report, Results, run
from benchmarks.running_system import RunningSystem, running_system
from ingest.adapters.embedders.wordllama import MODEL

_CHUNKS = "upload_pipeline.document_chunks"
STAGES = {
    "claim": "ReadClaim",
    "parse": "parsers.local.child",
    "parse_actor": "ParseActor",
    "chunk": "ChunkActor",
    "embed": "EmbedActor",
    "supervisor": "_Supervisor",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One pass over the corpus."""

    seconds: float
    chunks: int
    tokens: int
    cpu: dict[str, float]
    """CPU seconds by stage."""


class Bench:
    """A database, a system and a corpus, measured several times."""

    def __init__(self, url: str, folder: Path, system: RunningSystem, files: list[Path]) -> None:
        self._url = url
        self._blobs = folder / "s" / "blobs"
        self._system = system
        self._files = files
        self._script = PlainScript(url)

    def stream(self) -> Run:
        """The product."""
        empty(self._url)
        enqueue(self._url, self._blobs, ((f.name, f.read_bytes()) for f in self._files))
        before, began = self._cpu(), time.monotonic()
        set_free(self._url)
        wait_until_done(self._url)
        return self._ended(time.monotonic() - began, before)

    def script(self) -> Run:
        """The baseline."""
        empty(self._url)
        began = time.monotonic()
        asyncio.run(self._script.ingest(self._files))
        return self._ended(time.monotonic() - began, {})

    def copy(self) -> float:
        """Seconds to COPY the rows that are there into an empty table like theirs."""
        with psycopg.connect(self._url) as connection:
            with connection.cursor().copy(f"COPY {_CHUNKS} TO STDOUT (FORMAT binary)") as copy:
                rows = b"".join(bytes(part) for part in copy)
            connection.execute(f"CREATE TABLE copied (LIKE {_CHUNKS} INCLUDING ALL)")
            connection.commit()
            began = time.monotonic()
            with connection.cursor().copy("COPY copied FROM STDIN (FORMAT binary)") as copy:
                copy.write(rows)
            connection.commit()
            seconds = time.monotonic() - began
            connection.execute("DROP TABLE copied")
        return seconds

    def index(self, *, present: bool) -> None:
        """Have an HNSW index, or not."""
        empty(self._url)
        set_index(self._url, MODEL, present=present)

    def _ended(self, seconds: float, before: dict[str, float]) -> Run:
        after = self._cpu() if before else {}
        with psycopg.connect(self._url) as connection:
            query = f"SELECT count(*), coalesce(sum(token_count), 0)::bigint FROM {_CHUNKS}"  # noqa: S608
            chunks, tokens = connection.execute(query).fetchone() or (0, 0)
        return Run(seconds, chunks, tokens, {n: after[n] - before[n] for n in before})

    def _cpu(self) -> dict[str, float]:
        used = {
            stage: sum(_cpu_seconds(p) for p in self._system.processes(name))
            for stage, name in STAGES.items()
        }
        servers = [p for p in psutil.process_iter(["name"]) if p.info["name"] == "postgres"]
        return {**used, "postgres": sum(map(_cpu_seconds, servers))}


def measure(quick: bool) -> Report:
    """Alternate between the script and the stream, with the HNSW index and without."""
    documents, rounds = (120, 1) if quick else (450, 3)
    with (
        own_database() as (folder, url),
        running_system(folder / "s", database_url=url) as system,
    ):
        bench = Bench(url, folder, system, write_corpus(folder / "files", documents))
        results = _compare(bench, documents, rounds)
    return Report(
        "throughput",
        {"documents": documents, "rounds": rounds, "pools": "1 actor a stage"},
        "plain one-process script (script), raw COPY of the rows (copy)",
        results,
    )


def _compare(bench: Bench, documents: int, rounds: int) -> Results:
    results: Results = {}
    bench.stream()  # actors, caches and connections are warm after this
    for prefix, present in (("", True), ("no_index_", False)):
        bench.index(present=present)
        streams, scripts, copies = [], [], []
        for _ in range(rounds):
            scripts.append(bench.script())
            streams.append(bench.stream())
            copies.append(bench.copy())
        stream = statistics.median(run.seconds for run in streams)
        results |= {
            f"{prefix}docs_per_s": documents / stream,
            f"{prefix}chunks_per_s": streams[0].chunks / stream,
            f"{prefix}tokens_per_s": streams[0].tokens / stream,
            f"{prefix}ratio_vs_script": statistics.median(r.seconds for r in scripts) / stream,
            f"{prefix}ratio_vs_copy": statistics.median(copies) / stream,
        }
        if present:
            total = sum(streams[-1].cpu.values())
            results |= {f"cpu_share_{n}": used / total for n, used in streams[-1].cpu.items()}
            results["cpus_used"] = total / streams[-1].seconds
    return results


def write_corpus(folder: Path, documents: int) -> list[Path]:
    """Mixed files, the same ones each time."""
    folder.mkdir(parents=True)
    files = []
    for filename, content, _ in mixed_corpus(documents, seed=11):
        path = folder / filename
        path.write_bytes(content)
        files.append(path)
    return files


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


if __name__ == "__main__":
    run(measure, description=__doc__)
