"""Texts to searchable through OpenAI's API, queued and over HTTP, beside a script of an outsider.

CPU time is that of all processes: the system's or the script's, the CLI's, and PostgreSQL's. The
simulated provider's is left out; it answers at once.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from benchmarks import outside_script, stage_cpu
from benchmarks.corpus import text_corpus
from benchmarks.memory import proportional_mb
from benchmarks.own_database import empty, own_database, set_index
from benchmarks.queued import enqueue, set_free, wait_until_done
from benchmarks.report import Report, Results, arguments, finish
from benchmarks.running_system import RunningSystem, running_system
from benchmarks.simulator import Simulator, running_simulator
from ingest.domain.provider_specs import OPENAI

_MODEL = OPENAI.models["text-embedding-3-small"]
_CHUNKS = "upload_pipeline.document_chunks"
_TOKENS_PER_MINUTE = 1_000_000_000
"""More than anybody here can use: this is about CPU, not about quota."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One time through all files."""

    seconds: float
    cpu_seconds: float
    chunks: int


class Bench:
    """A database, a provider, a system and files, measured several times."""

    def __init__(
        self, url: str, folder: Path, *, system: RunningSystem, openai: Simulator, files: Path
    ) -> None:
        self._url = url
        self._blobs = folder / "s" / "blobs"
        self._system = system
        self._openai = openai
        self._files = files
        self._has_index = True

    def queued(self) -> Pass:
        """Everything is accepted before; the stream alone is measured."""
        empty(self._url)
        files = sorted(self._files.iterdir())
        enqueue(self._url, self._blobs, ((f.name, f.read_bytes()) for f in files))

        def work() -> None:
            set_free(self._url)
            wait_until_done(self._url)

        return self._measure(work, table=_CHUNKS)

    def http(self) -> Pass:
        """Uploaded by the CLI, until everything is searchable."""
        empty(self._url)
        command = [sys.executable, "-m", "ingest", "upload", str(self._files), "--url"]

        def work() -> None:
            self._run([*command, self._system.url, "--no-wait"])
            wait_until_done(self._url)

        return self._measure(work, table=_CHUNKS)

    def index(self, *, present: bool) -> None:
        """Have an HNSW index on both tables, or on none."""
        empty(self._url)
        self._has_index = present
        set_index(self._url, _MODEL, present=present)

    def script(self) -> Pass:
        """The baseline, with the time its interpreter and its imports take."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS outside_chunks")
            connection.execute(outside_script.TABLE)
            if self._has_index:
                connection.execute(outside_script.INDEX)
            connection.execute("CHECKPOINT")
        place = [self._url, f"{self._openai.url}/v1", str(self._files)]
        command = [sys.executable, "-m", outside_script.__name__, *place]
        return self._measure(lambda: self._run(command), table="outside_chunks")

    def memory_mb(self) -> float:
        """What the system and its database hold, shared pages counted once."""
        servers = [p for p in psutil.process_iter(["name"]) if p.info["name"] == "postgres"]
        return proportional_mb([*self._system.tree(), *servers])

    def _run(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[:4])} failed:\n{done.stderr[-4000:]}")

    def _measure(self, work: Callable[[], None], *, table: str) -> Pass:
        before, began = self._cpu_seconds(), time.monotonic()
        work()
        seconds = time.monotonic() - began
        used = self._cpu_seconds() - before
        with psycopg.connect(self._url) as connection:
            found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return Pass(seconds, used, found[0] if found else 0)

    def _cpu_seconds(self) -> float:
        """Of the system, of PostgreSQL, and of the commands that have ended."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        servers = stage_cpu.by_name(lambda name: name == "postgres")
        alive = sum(stage_cpu.of_process(process.pid) for process in self._system.tree())
        return servers + alive + ended.ru_utime + ended.ru_stime


def measure(quick: bool) -> Report:
    """Take turns: the script, what is queued, uploads."""
    documents, rounds = (200, 1) if quick else (1000, 3)
    with (
        own_database() as (folder, url),
        running_simulator(
            "openai", "--tpm", str(_TOKENS_PER_MINUTE), "--rpm", "1000000", "--latency", "0"
        ) as openai,
    ):
        files = folder / "files"
        files.mkdir()
        for name, content in text_corpus(documents, seed=5):
            (files / name).write_bytes(content)
        settings = openai.openai_settings("sk-bench", tokens_per_minute=_TOKENS_PER_MINUTE)
        with running_system(folder / "s", database_url=url, **settings) as system:
            bench = Bench(url, folder, system=system, openai=openai, files=files)
            results = _compare(bench, documents, rounds)
    return Report(
        "openai_path",
        {"documents": documents, "rounds": rounds, "dimension": 1536},
        "a script with token windows and COPY, without durability",
        results,
        dataset="Markdown and text of 2 to 40 KB; the provider answers at once",
    )


def _compare(bench: Bench, documents: int, rounds: int) -> Results:
    bench.queued()  # actors, caches and connections are warm after this
    results: Results = {}
    for prefix, present in (("", False), ("indexed_", True)):
        bench.index(present=present)
        passes: dict[str, list[Pass]] = {"script": [], "queued": [], "http": []}
        for _ in range(rounds):
            for name, made in passes.items():
                made.append(getattr(bench, name)())
        for name, made in passes.items():
            results |= _medians(made, documents, prefix if name == "queued" else f"{prefix}{name}_")
        ours, theirs = results[f"{prefix}chunks_per_s"], results[f"{prefix}script_chunks_per_s"]
        results[f"{prefix}ratio_vs_script"] = float(ours or 0) / float(theirs or 1)
    results["mb"] = bench.memory_mb()
    return results


def _medians(passes: list[Pass], documents: int, prefix: str) -> Results:
    cpu = statistics.median(done.cpu_seconds for done in passes)
    return {
        f"{prefix}chunks_per_s": statistics.median(p.chunks / p.seconds for p in passes),
        f"{prefix}cpu_ms_per_doc": 1000 * cpu / documents,
        f"{prefix}chunks": passes[0].chunks,
    }


if __name__ == "__main__":
    chosen: argparse.Namespace = arguments(description=__doc__).parse_args()
    finish(measure(chosen.quick), chosen)
