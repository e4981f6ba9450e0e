"""Backups through the command line: what they hold, what they refuse, and that they come back."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import psycopg
import pytest

from ingest.adapters.postgres.backup.dump import PostgresDump
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.storage.backup_folder import LocalBackupFolder
from ingest.app.backup.backup import BackupSummary, take
from ingest.domain.backup import Snapshot
from ingest.domain.identity import sha256_hex
from ingest.domain.job import JobState
from ingest.domain.stage import Stage
from tests import builders
from tests.conftest import on_database
from tests.integration.backup_place import Place, fill
from tests.integration.cli_system import ingest
from tests.integration.gateway import a_database

BIG = bytes(range(256)) * 80_000
"""More than one part of a stream."""


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Place:
    return Place(database_url, (tmp_path / "blobs").as_uri(), tmp_path / "state")


@pytest.fixture
def empty(server_url: str, tmp_path: Path) -> Iterator[Place]:
    """A place with nothing in it, not even a schema."""
    name = f"restored_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = on_database(server_url, name)
    yield Place(url, (tmp_path / "other" / "blobs").as_uri(), tmp_path / "other")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_a_backup_brings_everything_back(place: Place, empty: Place, tmp_path: Path) -> None:
    asyncio.run(fill(place, b"first", b"second", BIG))

    taken = place.run("backup", tmp_path / "backup", "--json")
    restored = empty.run("restore", tmp_path / "backup", "--json")

    assert taken.code == 0, taken.err
    assert (taken.json()["blobs"], taken.json()["copied"]) == (4, 4)
    assert restored.code == 0, restored.err
    assert restored.json()["requeued"] == 1
    assert restored.json()["counts"]["document_chunks"] == 3
    for table in ("documents", "document_chunks", "embedding_models", "api_keys"):
        query = f"SELECT to_jsonb(t) FROM upload_pipeline.{table} AS t ORDER BY 1"
        assert empty.rows(query) == place.rows(query)
    states = "SELECT state, count(*) FROM upload_pipeline.upload_jobs GROUP BY 1 ORDER BY 1"
    assert empty.rows(states) == [("done", 1), ("queued", 2)]
    assert empty.rows("SELECT sum(rescue_count) FROM upload_pipeline.upload_jobs") == [(0,)]
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'upload_pipeline' ORDER BY 1"
    assert empty.rows(indexes) == place.rows(indexes)
    for key in json.loads((tmp_path / "backup" / "manifest.json").read_bytes())["blobs"]:
        assert asyncio.run(empty.blobs.get(key)) == asyncio.run(place.blobs.get(key))


def test_a_backup_of_code_with_fewer_functions_comes_back_with_those_of_this_code(
    place: Place, empty: Place, tmp_path: Path
) -> None:
    functions = "SELECT pg_get_functiondef(oid) FROM pg_proc" + (
        " WHERE pronamespace = 'upload_pipeline'::regnamespace ORDER BY 1"
    )
    of_this_code = place.rows(functions)
    with psycopg.connect(place.url) as connection:
        connection.execute("DROP FUNCTION upload_pipeline.serving_space_of")
        connection.execute("DROP FUNCTION upload_pipeline.admit_search")
    place.run("backup", tmp_path / "backup")

    restored = empty.run("restore", tmp_path / "backup")

    assert restored.code == 0, restored.err
    assert empty.rows(functions) == of_this_code


def test_a_database_that_is_only_migrated_takes_a_backup_and_counts_right(
    place: Place, empty: Place, tmp_path: Path
) -> None:
    asyncio.run(fill(place, b"first", b"second"))
    place.run("backup", tmp_path / "backup")
    empty.run("migrate")

    restored = empty.run("restore", tmp_path / "backup")

    assert restored.code == 0, restored.err
    counted = (
        "SELECT state, sum(amount)::bigint FROM upload_pipeline.counters WHERE counted = 'jobs' "
        "GROUP BY 1 HAVING sum(amount) <> 0 ORDER BY 1"
    )
    states = "SELECT state, count(*) FROM upload_pipeline.upload_jobs GROUP BY 1 ORDER BY 1"
    assert empty.rows(counted) == empty.rows(states)
    chunks = "SELECT sum(amount)::bigint FROM upload_pipeline.counters WHERE counted = 'chunks'"
    published = (
        "SELECT sum(chunk_count)::bigint FROM upload_pipeline.documents WHERE live_generation > 0"
    )
    assert empty.rows(chunks) == empty.rows(published)


def test_a_restored_job_goes_on(place: Place, empty: Place, tmp_path: Path) -> None:
    asyncio.run(fill(place, b"first", b"second"))
    place.run("backup", tmp_path / "backup")
    empty.run("restore", tmp_path / "backup")

    async def go_on() -> tuple[Stage, JobState]:
        database = Database(empty.url)
        try:
            [job] = await builders.claim(database)
            await builders.publish(database, job, builders.numbered_chunks(job, 2))
            return await builders.state_of(database, job.lease.job_id)
        finally:
            await database.close()

    assert asyncio.run(go_on()) == (Stage.EMBEDDED, JobState.DONE)


def test_a_second_backup_copies_only_new_blobs_and_drops_old_ones(
    place: Place, tmp_path: Path
) -> None:
    asyncio.run(fill(place, b"first", b"second"))
    place.run("backup", tmp_path / "backup")
    [old] = (tmp_path / "backup").glob("*.dump")
    with psycopg.connect(place.url) as connection:
        connection.execute("DELETE FROM upload_pipeline.documents WHERE live_generation = 0")
    asyncio.run(fill(place, b"third", b"fourth"))

    again = place.run("backup", tmp_path / "backup", "--json").json()

    assert (again["blobs"], again["copied"]) == (5, 3)
    kept = {path.name for path in (tmp_path / "backup" / "blobs").rglob("*") if path.is_file()}
    assert sha256_hex(b"second") not in kept
    assert sha256_hex(b"third") in kept
    assert not old.exists()


@pytest.mark.parametrize("harm", ["dump", "blob", "missing", "manifest", "newer", "none"])
def test_a_broken_backup_changes_nothing(
    harm: str, place: Place, empty: Place, tmp_path: Path
) -> None:
    asyncio.run(fill(place, b"first", b"second"))
    backup = tmp_path / "backup"
    place.run("backup", backup)
    manifest, [dump] = backup / "manifest.json", backup.glob("*.dump")
    [blob] = backup.rglob(sha256_hex(b"second"))
    match harm:
        case "dump":
            dump.write_bytes(dump.read_bytes()[:-1] + b"!")
        case "blob":
            blob.write_bytes(b"secone")
        case "missing":
            blob.unlink()
        case "manifest":
            manifest.write_bytes(manifest.read_bytes()[:-20])
        case "newer":
            fields = json.loads(manifest.read_bytes())
            manifest.write_text(json.dumps(fields | {"revision": "9999"}))
        case "none":
            manifest.unlink()

    outcome = empty.run("restore", backup)

    assert outcome.code == 1
    assert outcome.err.startswith("error: ")
    assert empty.rows("SELECT to_regnamespace('upload_pipeline')") == [(None,)]


def test_a_manifest_cannot_lead_out_of_the_folder(
    place: Place, empty: Place, tmp_path: Path
) -> None:
    asyncio.run(fill(place, b"first", b"second"))
    place.run("backup", tmp_path / "backup")
    manifest = tmp_path / "backup" / "manifest.json"
    fields = json.loads(manifest.read_bytes())
    fields["blobs"]["../../" + "0" * 64] = 1
    manifest.write_text(json.dumps(fields))

    outcome = empty.run("restore", tmp_path / "backup")

    assert (outcome.code, outcome.err) == (
        1,
        "error: the manifest of the backup is damaged: make a new backup, or use another one\n",
    )


def test_what_is_there_is_replaced_only_when_told(
    place: Place, server_url: str, template_database: str, tmp_path: Path
) -> None:
    asyncio.run(fill(place, b"first", b"second"))
    place.run("backup", tmp_path / "backup")
    with a_database(server_url, template_database) as url:
        other = Place(url, (tmp_path / "o").as_uri(), tmp_path / "os")
        asyncio.run(fill(other, b"theirs", b"too"))

        refused = other.run("restore", tmp_path / "backup")
        untouched = other.rows("SELECT count(*) FROM upload_pipeline.documents")
        told = other.run("restore", tmp_path / "backup", "--replace")

        assert (refused.code, untouched) == (1, [(2,)])
        assert "the database is not empty" in refused.err
        assert "2 rows in documents" in refused.err
        assert told.code == 0, told.err
        documents = "SELECT document_id FROM upload_pipeline.documents ORDER BY 1"
        assert other.rows(documents) == place.rows(documents)


def test_a_database_at_work_is_not_replaced(place: Place, tmp_path: Path) -> None:
    asyncio.run(fill(place, b"first", b"second"))
    place.run("backup", tmp_path / "backup")
    with psycopg.connect(place.url) as connection:
        connection.execute("UPDATE upload_pipeline.workers SET heartbeat_at = now()")

    outcome = place.run("restore", tmp_path / "backup", "--replace")

    assert outcome.code == 1
    assert "is at work on the database" in outcome.err


def test_a_blob_that_storage_lost_is_reported_and_the_rest_is_saved(
    place: Place, empty: Place, tmp_path: Path
) -> None:
    asyncio.run(fill(place, b"first", b"second"))
    [lost] = (tmp_path / "blobs").rglob(sha256_hex(b"second"))
    lost.unlink()

    outcome = place.run("backup", tmp_path / "backup", "--json")

    assert (outcome.code, outcome.json()["blobs"]) == (1, 2)
    assert [key.rpartition("/")[2] for key in outcome.json()["missing"]] == [lost.name]
    assert empty.run("restore", tmp_path / "backup").code == 0


class Deleting(PostgresDump):
    """A database in which a document is deleted right after the dump."""

    def __init__(self, database: Database, place: Place) -> None:
        super().__init__(database)
        self._place = place

    async def dump(self, snapshot: Snapshot, target: Path) -> None:
        await super().dump(snapshot, target)
        [(document, tenant)] = self._place.rows(
            "SELECT document_id, tenant_id FROM upload_pipeline.documents WHERE live_generation = 1"
        )
        documents = DocumentStore(self._database)
        assert await documents.delete(document, tenant, remove_blob=self._place.blobs.delete)


def test_a_document_that_is_deleted_meanwhile_stays_deleted(
    place: Place, empty: Place, tmp_path: Path
) -> None:
    asyncio.run(fill(place, b"first", b"second"))

    async def take_one() -> BackupSummary:
        database, folder = Database(place.url), LocalBackupFolder(tmp_path / "backup")
        try:
            return await take(Deleting(database, place), place.blobs, folder, version="0")
        finally:
            await database.close()

    taken = asyncio.run(take_one())
    restored = empty.run("restore", tmp_path / "backup")

    assert (len(taken.manifest.gone), taken.manifest.missing) == (2, ())
    assert restored.code == 0, restored.err
    for table in ("documents", "tombstones"):
        query = f"SELECT document_id FROM upload_pipeline.{table}"
        assert empty.rows(query) == place.rows(query) != []
    assert empty.rows("SELECT count(*) FROM upload_pipeline.document_chunks") == [(0,)]


def test_a_blob_whose_bytes_changed_is_refused(place: Place, tmp_path: Path) -> None:
    asyncio.run(fill(place, b"first", b"second"))
    [blob] = (tmp_path / "blobs").rglob(sha256_hex(b"second"))
    blob.write_bytes(b"other")

    outcome = place.run("backup", tmp_path / "backup")

    assert (outcome.code, (tmp_path / "backup" / "manifest.json").exists()) == (1, False)


def test_a_bucket_is_backed_up_and_restored(
    place: Place, empty: Place, s3: str, tmp_path: Path
) -> None:
    access = {name: "test" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    more = {"INGEST_BLOB_ENDPOINT": s3, "AWS_REGION": "us-east-1", **access}
    bucket = Place(place.url, f"s3://documents/{uuid4()}", tmp_path / "state", **more)
    target = Place(empty.url, f"s3://documents/{uuid4()}", tmp_path / "other", **more)
    asyncio.run(fill(bucket, b"first", b"second", BIG))

    taken = bucket.run("backup", tmp_path / "backup", "--json")
    restored = target.run("restore", tmp_path / "backup")

    assert taken.code == 0, taken.err
    assert taken.json()["copied"] == 4
    assert restored.code == 0, restored.err
    prefix = target.variables["INGEST_BLOB_URL"].removeprefix("s3://documents/")
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    assert len(client.list_objects_v2(Bucket="documents", Prefix=prefix)["Contents"]) == 4


def test_a_pooler_is_refused(place: Place, tmp_path: Path) -> None:
    outcome = ingest(
        "backup", tmp_path / "backup", **place.variables, INGEST_DATABASE_POOLER="true"
    )

    assert outcome.code == 2
    assert "a backup needs the database itself" in outcome.err
