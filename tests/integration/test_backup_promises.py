"""What docs/recover.md promises of backups beyond that they come back."""

import asyncio
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.domain.attempt import ParsedRecord, Target
from ingest.domain.identity import sha256_hex
from ingest.domain.job import Lease
from tests import builders
from tests.integration.backup_place import PARSED, Place, fill

TABLES = ("documents", "upload_jobs", "document_chunks", "events", "api_keys")


def test_a_restore_that_fails_in_the_database_leaves_it_empty_and_can_be_repeated(
    database_url: str, tmp_path: Path
) -> None:
    place = Place(database_url, (tmp_path / "blobs").as_uri(), tmp_path / "state")
    asyncio.run(fill(place, b"first", b"second"))
    backup = tmp_path / "backup"
    place.run("backup", backup)
    manifest, [dump] = backup / "manifest.json", backup.glob("*.dump")
    whole, said = dump.read_bytes(), manifest.read_bytes()
    torn = whole[: len(whole) // 2]
    dump.write_bytes(torn)
    digest = hashlib.sha256(torn).hexdigest()
    manifest.write_text(json.dumps(json.loads(said) | {"dump_sha256": digest}))

    failed = place.run("restore", backup, "--replace")
    left = [place.rows(f"SELECT count(*) FROM upload_pipeline.{table}") for table in TABLES]
    dump.write_bytes(whole)
    manifest.write_bytes(said)
    repeated = place.run("restore", backup, "--json")

    assert failed.code != 0
    assert "pg_restore failed" in failed.err
    assert left == [[(0,)]] * len(TABLES)
    assert repeated.code == 0, repeated.err
    assert repeated.json()["counts"]["documents"] == 2


def test_a_backup_holds_neither_settings_nor_keys_of_providers(
    database_url: str, tmp_path: Path
) -> None:
    key = "sk-of-a-provider-0123456789"
    settings = {
        "INGEST_OPENAI_API_KEYS": key,
        "INGEST_EMBEDDER": "openai",
        "INGEST_CHUNK_TOKENS": "777",
    }
    place = Place(database_url, (tmp_path / "blobs").as_uri(), tmp_path / "state", **settings)
    asyncio.run(fill(place, b"first", b"second"))

    taken = place.run("backup", tmp_path / "backup")

    assert taken.code == 0, taken.err
    saved = [path.read_bytes() for path in (tmp_path / "backup").rglob("*") if path.is_file()]
    assert len(saved) > 2
    assert not any(key.encode() in content for content in saved)
    assert not any(b"CHUNK_TOKENS" in content.upper() for content in saved)


def test_what_was_deleted_before_a_backup_stays_away_after_its_restore(
    database_url: str, tmp_path: Path
) -> None:
    place = Place(database_url, (tmp_path / "blobs").as_uri(), tmp_path / "state")
    asyncio.run(fill(place, b"first", b"second"))
    [(document, tenant)] = place.rows(
        "SELECT document_id, tenant_id FROM upload_pipeline.documents WHERE live_generation = 1"
    )

    async def delete() -> None:
        database = Database(place.url)
        try:
            store = DocumentStore(database)
            assert await store.delete(document, tenant, remove_blob=place.blobs.delete)
        finally:
            await database.close()

    asyncio.run(delete())
    place.run("backup", tmp_path / "backup")

    restored = place.run("restore", tmp_path / "backup", "--replace", "--json")

    assert restored.code == 0, restored.err
    assert restored.json()["counts"]["tombstones"] == 1
    tombstones = "SELECT document_id, tenant_id FROM upload_pipeline.tombstones"
    assert place.rows(tombstones) == [(document, tenant)]


def test_a_text_of_an_older_version_may_be_gone(database_url: str, tmp_path: Path) -> None:
    place = Place(database_url, (tmp_path / "blobs").as_uri(), tmp_path / "state")
    asyncio.run(fill(place, b"first", b"second"))
    [(document, tenant, text)] = place.rows(
        "SELECT document_id, tenant_id, parsed_key FROM upload_pipeline.documents"
        " WHERE live_generation = 1"
    )

    async def edit() -> None:
        database = Database(place.url)
        try:
            newer = replace(builders.an_arrival(tenant, b"newer"), document_id=document)
            assert newer.raw_key is not None
            await place.blobs.put(newer.raw_key, b"newer")
            assert (await builders.accept(database, newer)).document_id == document
            target = Target(Lease(uuid4(), uuid4()), document, tenant, 1)
            late = ParsedRecord(target, text, sha256_hex(PARSED), "test/1", 1, 9)
            await DocumentStore(database).discard_text(late, remove_blob=place.blobs.delete)
            assert not await place.blobs.exists(text)
        finally:
            await database.close()

    asyncio.run(edit())
    taken = place.run("backup", tmp_path / "backup", "--json")

    assert (taken.code, taken.json()["missing"]) == (0, [])
    assert place.run("restore", tmp_path / "backup", "--replace").code == 0
