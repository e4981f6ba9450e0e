"""``ingest backfill`` before anything is ingested: what it counts, and what it refuses."""

from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from ingest.adapters.postgres.jobs.queue_measures import LaneCounts
from ingest.adapters.postgres.providers.ledger_store import Spent
from ingest.app.backfill.register import Registered
from ingest.cli.backfills.progress import Backfill, Ended
from ingest.cli.commands.backfill import _next, _tell
from ingest.cli.exit_codes import WrongUsage
from ingest.domain.identity import LOCAL_TENANT, document_id, external_name
from ingest.domain.index_timing import IndexTime
from ingest.domain.tenant import Tenant
from tests.integration.cli_system import Outcome, ingest

TEXT = "The pilot boards at the outer buoy, two miles off the light. " * 20
OPENAI = {"INGEST_EMBEDDER": "openai", "INGEST_OPENAI_API_KEYS": "sk-never-called"}


def dry(*arguments: object, state: Path, **settings: str) -> Outcome:
    return ingest(
        "backfill", *arguments, "--dry-run", INGEST_STATE_DIR=str(state), **OPENAI, **settings
    )


def test_a_dry_run_counts_and_says_what_it_would_cost(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(250):
        (folder / f"{number}.txt").write_text(TEXT)

    some = dry(folder, "--limit", 100, "--json", state=tmp_path / "s").json()
    every = dry(folder, "--json", state=tmp_path / "s").json()
    said = dry(folder, state=tmp_path / "s").out

    assert (some["objects"], some["sample"]) == (100, 100)
    assert (every["objects"], every["sample"]) == (250, 100)
    assert every["tokens"] == pytest.approx(some["tokens"] * 2.5, abs=1)
    assert float(every["usd"]) == pytest.approx(every["tokens"] * 0.02e-6, rel=0.01)
    assert "250 objects" in said
    assert "by a sample of 100 objects" in said
    assert not (tmp_path / "s").exists(), "a dry run begins nothing"


def test_a_dry_run_leaves_out_what_was_deleted_and_says_so(
    tmp_path: Path, database_url: str
) -> None:
    folder, state = tmp_path / "in", tmp_path / "s"
    folder.mkdir()
    for name in ("a.txt", "b.txt", "c.txt"):
        (folder / name).write_text(TEXT)
    deleted = document_id(LOCAL_TENANT, external_name((folder / "b.txt").as_uri()))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO upload_pipeline.tombstones (document_id, tenant_id) VALUES (%s, %s)",
            [deleted, LOCAL_TENANT],
        )
    database = {"INGEST_DATABASE_URL": database_url}

    found = dry(folder, "--json", state=state, **database).json()
    two = dry(folder, "--limit", 2, "--json", state=state, **database).json()
    said = dry(folder, state=state, **database).out
    restoring = dry(folder, "--restore-deleted", "--json", state=state, **database).json()
    other = dry(folder, "--tenant", "acme", "--json", state=state, **database).json()

    assert (found["objects"], found["deleted"], found["sample"]) == (2, 1, 2)
    assert two["objects"] + two["deleted"] == 2
    assert "1 not taken: deleted (use --restore-deleted)" in said
    assert (restoring["objects"], restoring["deleted"]) == (3, 0)
    assert (other["objects"], other["deleted"]) == (3, 0)


def test_a_dry_run_goes_on_without_its_database_and_says_what_it_does_not_know(
    tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    gone = urlsplit(database_url)._replace(path="/no_such_database").geturl()

    found = dry(tmp_path / "a.txt", "--json", state=tmp_path / "s", INGEST_DATABASE_URL=gone)

    assert (found.code, found.json()["objects"]) == (0, 1)
    assert "deleted documents are counted as well: " in found.err


def test_a_dry_run_of_a_manifest_counts_broken_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "empty.txt").write_text("")
    manifest = tmp_path / "list.csv"
    uris = [(tmp_path / "a.txt").as_uri(), (tmp_path / "empty.txt").as_uri(), "no-uri"]
    manifest.write_text("\n".join(["uri", *uris]))

    found = dry("--manifest", manifest, "--json", state=tmp_path / "s").json()

    assert (found["objects"], found["broken_lines"]) == (2, 1)
    assert found["sample_rejected"] == {"document_empty": 1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name at least one URI"),
        (("http://127.0.0.1/x",), "cannot be read"),
        (("/no/such/folder",), "there is no"),
        (("--manifest", "list.xml"), "is not a manifest"),
        ((".", "--pause-at", "25:00"), "HH:MM"),
        ((".", "--lane", "interactive"), "--lane must be backfill or batch"),
        ((".", "--submit-only"), "--submit-only needs --lane batch"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    refused = dry(*arguments, state=tmp_path / "s")

    assert refused.code != 0
    assert said in refused.err


def test_a_summary_says_what_stays_away_because_it_was_deleted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    registered = Registered(listed=5, created=2, deleted=3)
    counts = LaneCounts(unfinished=0, done=2, dead=0)
    done = Backfill("run", registered, counts, Spent(), Ended.ALL_DONE, IndexTime.INLINE, 0)

    _tell(done, Tenant(LOCAL_TENANT, "local"), 1.0, as_json=False)  # and no exit code of a failure

    assert "3 not taken: deleted (use --restore-deleted)" in capsys.readouterr().out


def test_documents_that_are_there_cannot_be_restored(tmp_path: Path) -> None:
    refused = ingest(
        "backfill", "--outdated", "--restore-deleted", INGEST_STATE_DIR=str(tmp_path / "s")
    )

    assert refused.code == 2
    assert "--outdated takes no URIs" in refused.err


def test_texts_of_the_lane_batch_cost_half_and_need_a_provider(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)

    online = dry(tmp_path / "a.txt", "--json", state=tmp_path / "s").json()
    batched = dry(tmp_path / "a.txt", "--lane", "batch", "--json", state=tmp_path / "s").json()
    local = ingest("backfill", tmp_path, "--lane", "batch", INGEST_EMBEDDER="local")

    assert batched["tokens"] == online["tokens"]
    assert 2 * float(batched["usd"]) == pytest.approx(float(online["usd"]), abs=1e-6)
    assert local.code == 2
    assert "INGEST_EMBEDDER=openai" in local.err


def test_a_time_of_day_is_the_next_one() -> None:
    now = datetime.now().astimezone()

    for minutes in (2, 600, 1438):
        wanted = _next((now + timedelta(minutes=minutes)).strftime("%H:%M"))
        assert timedelta(0) < wanted - now <= timedelta(days=1)
        assert wanted.utcoffset() is not None
    with pytest.raises(WrongUsage):
        _next("noon")
