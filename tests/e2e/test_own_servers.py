"""The same system on a database server and an S3 bucket instead of the embedded ones."""

from pathlib import Path

import boto3
import httpx
import pytest

from benchmarks.corpus import mixed_corpus
from benchmarks.running_system import running_system
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
FILES = 27


def test_documents_go_through_a_bucket_and_leave_it_when_they_are_deleted(
    tmp_path: Path, ledger: Ledger, s3: str
) -> None:
    bucket = boto3.client("s3", endpoint_url=s3)
    with (
        running_system(
            tmp_path / "s",
            database_url=ledger.url,
            blob_url="s3://documents/ingest",
            blob_endpoint=s3,
        ) as system,
        httpx.Client(base_url=system.url, timeout=30) as client,
    ):
        for filename, content, _ in mixed_corpus(FILES, seed=5):
            answer = client.post("/v1/documents", content=content, headers={"X-Filename": filename})
            assert answer.status_code == 202, answer.text
        ledger.wait_until_finished(jobs=FILES, seconds=90)
        assert ledger.states() == {"done": FILES}
        assert ledger.faults() == []
        keys = [entry["Key"] for entry in bucket.list_objects_v2(Bucket="documents")["Contents"]]
        assert sum("/raw/" in key for key in keys) == FILES
        assert sum("/parsed/" in key for key in keys) == FILES
        assert all(key.startswith("ingest/tenants/") for key in keys)

        for document in client.get("/v1/documents").json()["documents"]:
            assert client.delete(f"/v1/documents/{document['document_id']}").status_code == 204

    assert bucket.list_objects_v2(Bucket="documents")["KeyCount"] == 0
    assert not (tmp_path / "s" / "blobs").exists()
    assert not (tmp_path / "s" / "postgres").exists()
