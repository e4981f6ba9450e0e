"""The demo without providers, in a temporary folder: start, ingest, search, stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from ingest.cli.client.connect import connect
from ingest.cli.commands.search import show_hits
from ingest.cli.exit_codes import CommandFailed
from ingest.cli.output import Json, console, duration, plural
from ingest.cli.process import run_async
from ingest.cli.render import warning_lines
from ingest.cli.system import temporary_system
from ingest.cli.uploads.select_files import select
from ingest.cli.uploads.transfer import Transfer
from ingest.cli.uploads.upload_options import UploadOptions
from ingest.demo import corpus

_SNIPPET_CHARS = 240


def perform(*, say: Callable[[str], None], show: bool) -> Json:
    """Run the demo; stop and remove everything at the end, also after an error.

    Args:
        say: Receives a line for each step.
        show: Whether to print the answers.

    Returns:
        The figures of the demo, with the answers.

    Raises:
        CommandError: a step failed.
    """
    temporary_system.ensure_startable()
    started = time.monotonic()
    with temporary_system.interruptible(), temporary_system.folder() as folder:
        files = corpus.render(folder / "documents")
        # Its libraries belong to the extra 'demo', which the line before has checked.
        from ingest.demo import harbour_files

        hard = harbour_files.write_harbour_files(folder / "documents")
        say(
            f"1. wrote this project's documentation as {plural(len(files), 'file')}, and "
            f"{plural(len(hard), 'file')} that are hard to read: a table, a scan, a mail, Japanese"
        )
        with temporary_system.system(folder / "state", say) as url:
            ready = time.monotonic()
            say(f"2. the system is ready after {duration(ready - started)}: {url}")
            transfer = _ingest(url, folder / "documents")
            ingested = time.monotonic() - ready
            chunks = run_async(_count_chunks(url, sorted(transfer.counters.documents)))
            say(
                f"3. {plural(transfer.counters.done, 'document')} and {plural(chunks, 'chunk')} "
                f"searchable after {duration(ingested)}"
            )
            for warned in transfer.counters.warned:
                for line in warning_lines.lines(asdict(warned)):
                    say(f"   warning about {Path(warned.file).name}: {line}")
            answers = run_async(_ask(url, (*corpus.QUESTIONS, *harbour_files.QUESTIONS)))
            if show:
                _show(answers)
    say(f"4. stopped and removed; all in {duration(time.monotonic() - started)}")
    return {
        "documents": transfer.counters.done,
        "chunks": chunks,
        "start_seconds": round(ready - started, 2),
        "ingest_seconds": round(ingested, 2),
        "seconds": round(time.monotonic() - started, 2),
        "answers": answers,
    }


def _ingest(url: str, folder: Path) -> Transfer:
    transfer = Transfer(select([str(folder)]), UploadOptions(), wait=True)
    run_async(transfer.run(url, None))
    for one in (*transfer.counters.rejected, *transfer.counters.failed):
        raise CommandFailed(f"{Path(one.file).name} was not ingested: {one.code}: {one.detail}")
    return transfer


async def _count_chunks(url: str, document_ids: list[str]) -> int:
    async with connect(url, None) as gateway:
        documents = [await gateway.get(f"/v1/documents/{one}") for one in document_ids]
    return sum(int(document["chunk_count"]) for document in documents)


async def _ask(url: str, questions: Sequence[str]) -> list[Json]:
    answers: list[Json] = []
    async with connect(url, None) as gateway:
        for question in questions:
            started = time.monotonic()
            found = await gateway.post("/v1/search", {"query": question, "k": 1})
            if not found["hits"]:
                raise CommandFailed(f"nothing was found for {question!r}")
            took = round((time.monotonic() - started) * 1000, 1)
            answers.append({"question": question, "milliseconds": took, "hits": found["hits"]})
    return answers


def _show(answers: list[Json]) -> None:
    screen = console()
    for answer in answers:
        screen.print()
        screen.print(f"{answer['question']}  ({answer['milliseconds']:.0f} ms)", style="bold")
        show_hits(screen, answer["hits"], answer["question"], chars=_SNIPPET_CHARS)
    screen.print()
