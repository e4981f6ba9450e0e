"""What a backfill says of itself: each figure is what its name says."""

import io
from collections import Counter
from decimal import Decimal

import pytest
from rich.console import Console

from ingest.adapters.postgres.jobs.queue_measures import LaneCounts
from ingest.adapters.postgres.providers.ledger_store import Spent
from ingest.app.backfill.register import Registered
from ingest.cli.backfills import summary
from ingest.cli.backfills.progress import Backfill, Ended, progress
from ingest.domain.identity import LOCAL_TENANT
from ingest.domain.index_timing import IndexTime
from ingest.domain.tenant import Tenant

ACME = Tenant(LOCAL_TENANT, "acme")

_ONE_DONE, _NOTHING = LaneCounts(0, 1, 0), Spent()


def a_backfill(
    registered: Registered,
    *,
    counts: LaneCounts = _ONE_DONE,
    spent: Spent = _NOTHING,
    ended: Ended = Ended.ALL_DONE,
    index: IndexTime = IndexTime.INLINE,
    batched: int = 0,
    warned: int = 0,
) -> Backfill:
    return Backfill("backfill-1", registered, counts, spent, ended, index, batched, warned)


def shown(done: Backfill) -> dict[str, str]:
    """The lines of a summary, by the name that each begins with."""
    screen = Console(file=io.StringIO(), width=100)
    summary.show(screen, done, ACME, 74)
    assert isinstance(screen.file, io.StringIO)
    lines = screen.file.getvalue().splitlines()
    return {line[:14].strip(): line[14:].strip() for line in lines}


def test_what_was_not_taken_is_not_counted_as_taken() -> None:
    refused = Counter(manifest_line_invalid=3, document_empty=2)
    registered = Registered(listed=6, created=1, refused=refused)

    line = progress(registered, LaneCounts(1, 0, 0), Spent(), [], seconds=5)

    assert line == "5.0 s: 6 found, 1 new, 5 not taken, 0 searchable, 0 failed, 1 to do, 0.0/s"


def test_the_line_says_what_is_there_already_what_is_left_and_what_it_cost() -> None:
    registered = Registered(listed=3000, created=1200, there_already=800)

    line = progress(
        registered, LaneCounts(1000, 150, 50), Spent(Decimal("1.5"), 75_000), [], seconds=10
    )

    assert line == (
        "10 s: 3,000 found, 1,200 new, 800 already there, 150 searchable, 50 failed, "
        "1,000 to do, 20.0/s, 1 min 40 s left, 75,000 tokens, $1.50"
    )


def test_a_summary_counts_the_documents_with_warnings() -> None:
    done = a_backfill(Registered(listed=3, created=3), counts=LaneCounts(0, 3, 0), warned=2)

    assert shown(done)["warnings"] == "2 documents; 'ingest warnings' lists them"
    assert summary.as_json(done, ACME, 74)["with_warnings"] == 2


def test_a_summary_is_words_and_leaves_out_what_did_not_happen() -> None:
    assert shown(a_backfill(Registered(listed=1, created=1))) == {
        "run": "backfill-1",
        "tenant": "acme",
        "ended": "all jobs have ended",
        "found": "1 object",
        "new": "1 object",
        "searchable": "1 document",
        "vector index": "updated with each vector",
        "duration": "1 min 14 s",
    }


def test_a_summary_names_everything_that_is_not_done() -> None:
    refused = Counter(manifest_line_invalid=3, document_empty=1)
    registered = Registered(2000, 1900, 50, 40, refused=refused)
    done = a_backfill(
        registered,
        counts=LaneCounts(1200, 690, 10),
        spent=Spent(Decimal("0.5"), 25_000),
        ended=Ended.MONEY_SPENT,
        index=IndexTime.AFTER,
        batched=7,
    )

    found = shown(done)

    assert found["ended"] == "the money of --max-usd is spent; run the same command again to resume"
    assert found["already there"] == "50 objects, 40 of them unchanged since the last run"
    assert found["not taken"] == "4 objects: 3 manifest line invalid, 1 document empty"
    assert found["not begun"] == "46 objects; run the same command again to take them"
    assert (found["failed"], found["unfinished"]) == ("10 documents", "1,200 jobs")
    assert (found["in batches"], found["paid"]) == ("7 texts", "$0.5000 for 25,000 tokens")
    assert found["vector index"] == "built at the end"


@pytest.mark.parametrize("ended", Ended)
def test_every_end_has_its_words(ended: Ended) -> None:
    words = shown(a_backfill(Registered(listed=1, created=1), ended=ended))["ended"]

    assert "_" not in words


def test_programs_get_codes_and_all_figures() -> None:
    registered = Registered(5, 1, refused=Counter(document_empty=4))

    found = summary.as_json(a_backfill(registered), ACME, 74.26)

    assert (found["ended"], found["not_taken"]) == ("all_done", {"document_empty": 4})
    assert (found["objects"], found["registered"], found["left_over"]) == (5, 1, 0)
    assert (found["usd"], found["index"], found["seconds"]) == ("0", "inline", 74.3)
