"""From the upload request to searchable: one small document at a time on an idle, hot system."""

import time

import httpx
import psycopg

from benchmarks.own_database import own_database
from benchmarks.report import Plot, Report, Results, percentile, run
from benchmarks.running_system import running_system

_WARM_UP = 5
_PAUSE_SECONDS = 0.1
_TEXT = "# Note {number}\n\nThe harbour office keeps key {number} of shed {stamp} in a drawer.\n"
_PUBLISHED = "SELECT live_generation > 0 FROM upload_pipeline.documents WHERE document_id = %s"
_EVENTS = """
SELECT stage || ' ' || state, extract(epoch FROM at)::float8 FROM upload_pipeline.events
WHERE job_id = %s ORDER BY event_id
"""
_HOPS = {
    "claim": ("queued queued", "queued working"),
    "parse": ("queued working", "parse_validated working"),
    "chunk": ("parse_validated working", "chunks_buffered working"),
    "embed": ("chunks_buffered working", "embedded done"),
}


def measure(quick: bool) -> Report:
    """Measure with the low-latency path, and with Ray's public settings alone."""
    documents = 15 if quick else 100
    results: Results = {}
    totals: dict[str, list[float]] = {}
    for prefix, low_latency in (("", True), ("public_", False)):
        samples = _measure(documents, low_latency=low_latency)
        results |= {f"{prefix}{key}": value for key, value in _summary(samples).items()}
        name = "low-latency path" if low_latency else "public settings"
        totals[name] = [1000 * sample["total"] for sample in samples]
    results["ratio_public_to_low_latency"] = float(results["public_p50_ms"] or 0) / float(
        results["p50_ms"] or 1
    )
    settings = {"documents": documents, "pause_seconds": _PAUSE_SECONDS, "bytes": len(_TEXT)}
    return Report(
        "latency",
        settings,
        "public Ray settings alone (public_*)",
        results,
        dataset="One Markdown note after the other, each different, a pause between them.",
        plots=[
            Plot(
                "From the request to a searchable document, most often and at worst.",
                "milliseconds",
                "documents",
                samples=totals,
            )
        ],
    )


def _measure(documents: int, *, low_latency: bool) -> list[dict[str, float]]:
    with (
        own_database() as (folder, url),
        running_system(folder / "s", database_url=url, low_latency=low_latency) as system,
        httpx.Client(base_url=system.url, timeout=30) as client,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        samples = []
        for number in range(_WARM_UP + documents):
            samples.append(_one(client, connection, number))
            time.sleep(_PAUSE_SECONDS)
    return samples[_WARM_UP:]


def _one(
    client: httpx.Client, connection: psycopg.Connection[tuple[object, ...]], number: int
) -> dict[str, float]:
    text = _TEXT.format(number=number, stamp=time.time_ns())
    began = time.time()
    answer = client.post(
        "/v1/documents", content=text.encode(), headers={"X-Filename": f"note-{number}.md"}
    ).json()
    accepted = time.time()
    while connection.execute(_PUBLISHED, [answer["document_id"]]).fetchone() != (True,):
        if time.time() - began > 30:
            raise RuntimeError("a document was not published within 30 seconds")
        time.sleep(0.002)
    ended = time.time()
    at: dict[str, float] = {}
    for event, seconds in connection.execute(_EVENTS, [answer["job_id"]]).fetchall():
        at.setdefault(str(event), float(str(seconds)))
    hops = {name: at[last] - at[first] for name, (first, last) in _HOPS.items()}
    return {"total": ended - began, "accept": accepted - began, **hops}


def _summary(samples: list[dict[str, float]]) -> Results:
    totals = [sample["total"] for sample in samples]
    results: Results = {
        "p50_ms": 1000 * percentile(totals, 0.5),
        "p95_ms": 1000 * percentile(totals, 0.95),
    }
    for name in ("accept", *_HOPS):
        results[f"{name}_p50_ms"] = 1000 * percentile([s[name] for s in samples], 0.5)
    return results


if __name__ == "__main__":
    run(measure, description=__doc__)
