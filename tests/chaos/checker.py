"""Judges a run from outside: its own SQL, its own rules, none of the pipeline's code."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from psycopg.rows import dict_row

from tests.chaos.books import check_books
from tests.chaos.evidence import Evidence, Finding, Passage

Row = dict[str, Any]
STAGES = [
    "queued", "job_validated", "parsing", "parsed", "parse_validated",
    "chunking", "chunks_buffered", "embedding", "embedded",
]  # fmt: skip
LEGAL = {
    "queued": {"working", "waiting", "cancelled"},
    "working": {"queued", "waiting", "retryable", "done", "deadletter", "cancelled"},
    "waiting": {"queued", "deadletter", "cancelled"},
    "retryable": {"working", "queued", "cancelled"},
    "deadletter": {"queued", "cancelled"},
    "done": set(),
    "cancelled": set(),
}
LAST_BIT = 1e-7
"""Of a float32 below 1."""
RESUMED_AT = {"queued", "parsed"}
"""Stages at which an attempt may begin anew."""


def check(evidence: Evidence) -> list[Finding]:
    """Everything that is wrong with a run; nothing, when it kept its promises."""
    with psycopg.connect(evidence.url, row_factory=dict_row) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        jobs = {row["job_id"]: row for row in _rows(connection, JOBS)}
        return [
            *_check_uploads(evidence, jobs),
            *_check_documents(connection, evidence),
            *_check_chunks(connection, evidence),
            *_check_blobs(connection, evidence),
            *_check_views(evidence),
            *_check_events(connection, evidence, jobs),
            *check_books(connection, evidence),
        ]


JOBS = """
    SELECT job_id, document_id, tenant_id, generation, file_sha256, stage, state, wait_reason,
        wait_until > now() AS waits, last_error ->> 'code' AS code
    FROM upload_pipeline.upload_jobs
"""
DOCUMENTS = """
    SELECT document_id, tenant_id, name, file_sha256, generation, live_generation, chunk_count,
        raw_key, parsed_key, parsed_sha256
    FROM upload_pipeline.documents
"""
CHUNKS = """
    SELECT chunk_id, tenant_id, document_id, generation, chunk_ord, char_start, char_end, page,
        heading_path, token_count, context, text, encode(chunk_sha, 'hex') AS sha,
        vector_send(embedding) AS vector
    FROM upload_pipeline.document_chunks ORDER BY document_id, chunk_ord
"""
EVENTS = """
    SELECT job_id, from_stage, stage, from_state, state
    FROM upload_pipeline.events ORDER BY event_id
"""


def _rows(connection: "psycopg.Connection[Any]", query: str) -> list[Row]:
    return list(connection.execute(query.encode()).fetchall())


def _check_uploads(evidence: Evidence, jobs: dict[UUID, Row]) -> Iterator[Finding]:
    """Accepted = finished + dead + waiting for a reason, and nothing else is there."""
    newest = evidence.newest()
    yield from (Finding("lost", f"refused: {answer}") for answer in evidence.refused)
    known = {upload.job_id for upload in evidence.uploads}
    yield from (Finding("duplicate", f"job {j} of nobody") for j in jobs.keys() - known)
    for upload in evidence.uploads:
        job, name = jobs.get(upload.job_id), upload.item.filename
        if job is None:
            yield Finding("lost", f"{name}: job {upload.job_id} is gone")
            continue
        told = (upload.tenant_id, upload.document_id, upload.generation, upload.item.sha256)
        if told != (job["tenant_id"], job["document_id"], job["generation"], job["file_sha256"]):
            yield Finding("lost", f"{name}: job {upload.job_id} is another one than was promised")
        superseded = newest[upload.document_id].generation > upload.generation
        state, code = job["state"], job["code"]
        if state not in {"done", "deadletter", "cancelled"}:
            reason = job["wait_reason"] if job["waits"] else None
            if state != "waiting" or reason is None:
                yield Finding("stuck", f"{name}: {state} at {job['stage']}")
        elif state == "cancelled" and not superseded:
            yield Finding("lost", f"{name}: cancelled, and there is no newer version")
        elif state != "cancelled" and (state == "deadletter") != (upload.item.refusal is not None):
            yield Finding("lost", f"{name}: {state} ({code}), expected {upload.item.refusal}")
        elif state == "deadletter" and code != upload.item.refusal:
            yield Finding("lost", f"{name}: refused as {code}, not {upload.item.refusal}")


def _check_documents(
    connection: "psycopg.Connection[Any]", evidence: Evidence
) -> Iterator[Finding]:
    rows = {row["document_id"]: row for row in _rows(connection, DOCUMENTS)}
    newest = evidence.newest()
    names = Counter((row["tenant_id"], row["name"]) for row in rows.values())
    yield from (Finding("duplicate", f"documents {n}") for n, count in names.items() if count > 1)
    yield from (Finding("duplicate", f"document {d}") for d in rows.keys() - newest.keys())
    for document_id, upload in newest.items():
        row, name = rows.get(document_id), upload.item.filename
        if row is None:
            yield Finding("lost", f"{name}: document {document_id} is gone")
        elif (row["tenant_id"], row["file_sha256"]) != (upload.tenant_id, upload.item.sha256):
            yield Finding("content", f"{name}: the document is not what was uploaded last")
        elif row["generation"] != upload.generation:
            yield Finding("content", f"{name}: generation {row['generation']} of nobody")
        elif upload.item.refusal is None and row["live_generation"] != upload.generation:
            yield Finding("lost", f"{name}: generation {row['live_generation']} is served")


def _check_chunks(connection: "psycopg.Connection[Any]", evidence: Evidence) -> Iterator[Finding]:
    """Byte for byte what a fresh ingest gives, each chunk once."""
    newest = {d: u for d, u in evidence.newest().items() if u.item.refusal is None}
    stored: dict[UUID, list[Row]] = defaultdict(list)
    for row in _rows(connection, CHUNKS):
        stored[row["document_id"]].append(row)
    for document_id in stored.keys() - newest.keys():
        yield Finding("content", f"{len(stored[document_id])} chunks of {document_id}, of nobody")
    for document_id, upload in newest.items():
        rows, name = stored.get(document_id, []), upload.item.filename
        expected = evidence.passages[upload.item.sha256]
        places = Counter(row["chunk_ord"] for row in rows)
        yield from (
            Finding("duplicate", f"{name}: {count} chunks at {place}")
            for place, count in places.items()
            if count > 1
        )
        if sorted(places) != list(range(len(expected))):
            yield Finding("content", f"{name}: {len(rows)} chunks, not {len(expected)}")
            continue
        for row in rows:
            if wrong := _compare(row, expected[row["chunk_ord"]], evidence, upload.tenant_id):
                yield Finding("content", f"{name}: chunk {row['chunk_ord']} differs in {wrong}")


def _compare(row: Row, expected: Passage, evidence: Evidence, tenant_id: UUID) -> str:
    digest = hashlib.sha256(expected.embedded_text.encode()).hexdigest()
    pairs = {
        "text": (row["text"], expected.text),
        "context": (row["context"], expected.context),
        "digest": (row["sha"], digest),
        "tenant": (row["tenant_id"], tenant_id),
        "span": ((row["char_start"], row["char_end"]), (expected.char_start, expected.char_end)),
        "page": (row["page"], expected.page),
        "headings": (tuple(row["heading_path"]), expected.heading_path),
        "tokens": (row["token_count"], expected.token_count),
        "vector": (_same_vector(row["vector"], evidence.vectors.get(digest)), True),
    }
    return ", ".join(name for name, (found, wanted) in pairs.items() if found != wanted)


def _same_vector(sent: bytes, wanted: bytes | None) -> bool:
    """pgvector sends a dimension, two unused bytes, and float32 in network order.

    The system makes every vector's length exactly 1, which moves the last bit.
    """
    found, expected = np.frombuffer(sent, ">f4", offset=4), np.frombuffer(wanted or b"", "<f4")
    return found.shape == expected.shape and bool(np.abs(found - expected).max() <= LAST_BIT)


def _check_blobs(connection: "psycopg.Connection[Any]", evidence: Evidence) -> Iterator[Finding]:
    for row in _rows(connection, DOCUMENTS):
        kept = {row["raw_key"]: row["file_sha256"], row["parsed_key"]: row["parsed_sha256"]}
        for key, digest in kept.items():
            if key is None:
                continue
            path = evidence.blobs / key
            if not path.is_file():
                yield Finding("lost", f"blob {key} is gone")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                yield Finding("content", f"blob {key} does not hold what its name says")


def _check_views(evidence: Evidence) -> Iterator[Finding]:
    """Whatever was visible at a sampled instant was one version of the document, and whole."""
    yield from (Finding("partial", what) for what in sorted(evidence.sampler.partial))
    whole: dict[tuple[UUID, int], str] = {}
    for upload in evidence.uploads:
        passages = evidence.passages.get(upload.item.sha256, ())
        digests = (
            hashlib.sha256(passage.embedded_text.encode()).hexdigest() for passage in passages
        )
        whole[upload.document_id, upload.generation] = ",".join(digests)
    for document_id, generation, digest in evidence.sampler.seen:
        expected = hashlib.md5(whole.get((document_id, generation), "").encode()).hexdigest()  # noqa: S324
        if digest != expected:
            yield Finding("partial", f"{document_id}: generation {generation} was not itself")


def _check_events(
    connection: "psycopg.Connection[Any]", evidence: Evidence, jobs: dict[UUID, Row]
) -> Iterator[Finding]:
    """Every change is one of the table, and follows on the one before; a lease needs a claim."""
    histories: dict[UUID, list[Row]] = defaultdict(list)
    for event in _rows(connection, EVENTS):
        histories[event["job_id"]].append(event)
    for job_id, job in jobs.items():
        history = histories.get(job_id, [])
        if not history or (history[0]["from_state"], history[0]["state"]) != (None, "queued"):
            yield Finding("illegal", f"job {job_id} has no beginning")
            continue
        for before, event in pairwise(history):
            if wrong := _illegal(before, event):
                yield Finding("illegal", f"job {job_id}: {wrong}")
        if (history[-1]["stage"], history[-1]["state"]) != (job["stage"], job["state"]):
            yield Finding("illegal", f"job {job_id} is not where its history ends")
        claims = sum(e["state"] == "working" != e["from_state"] for e in history)
        held = len(evidence.sampler.leases.get(job_id, ()))
        if held > claims:
            yield Finding("lease", f"job {job_id}: {held} leases, and {claims} claims")


def _illegal(before: Row, event: Row) -> str:
    was, now = STAGES.index(before["stage"]), STAGES.index(event["stage"])
    step = f"{before['state']} at {before['stage']} > {event['state']} at {event['stage']}"
    if (event["from_stage"], event["from_state"]) != (before["stage"], before["state"]):
        return f"{step}, but the event says from {event['from_state']} at {event['from_stage']}"
    if event["state"] != before["state"] and event["state"] not in LEGAL[before["state"]]:
        return step
    if event["state"] == before["state"] and (now != was + 1 or event["state"] != "working"):
        return step
    if now > was + 1 or (now < was and event["stage"] not in RESUMED_AT):
        return step
    if event["state"] == "done" and event["stage"] != "embedded":
        return step
    return ""
