"""``ingest index``: kinds compared on the vectors that are there, and built with progress."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.cli.app import main
from ingest.domain.embedding import Vectors
from ingest.domain.identity import LOCAL_TENANT
from ingest.domain.index_kind import IndexKind
from tests import builders
from tests.builders import LARGE_MODEL, MODEL, numbered_chunks
from tests.integration.cli_system import ingest

ROWS, QUESTIONS = 900, 20
SIGNS_SAY_NOTHING = (0.5, 0.1)
"""Vectors whose signs are all the same, and that differ in the little that is left."""


def vectors_with(mean: float, spread: float) -> Vectors:
    made = np.random.default_rng(7).normal(mean, spread, (ROWS, MODEL.dimension))
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def filled(
    database_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> str:
    """A database whose vectors are of the kind that the test asks for, and the settings' own."""
    mean, spread = getattr(request, "param", (0.0, 1.0))

    async def fill() -> None:
        database = Database(database_url)
        job = await builders.a_claimed_job(database, builders.an_arrival(LOCAL_TENANT))
        await builders.publish(
            database, job, numbered_chunks(job, ROWS), vectors=vectors_with(mean, spread)
        )
        await builders.execute(database, "ANALYZE upload_pipeline.document_chunks")
        await database.close()

    asyncio.run(fill())
    monkeypatch.setenv("INGEST_DATABASE_URL", database_url)
    return database_url


def advise(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    asked = ["index", "advise", "--json", "--questions", str(QUESTIONS), *options]
    assert main(asked) == 0, capsys.readouterr().err
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_each_kind_is_measured_against_exact_search(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = advise(capsys)

    assert told["vectors"] == ROWS - QUESTIONS
    kinds = {str(kind["kind"]): kind for kind in told["kinds"]}
    assert kinds.keys() == {"halfvec", "bit"}
    assert kinds["halfvec"]["recall"] > 0.9
    assert kinds["bit"]["bytes_per_vector"] < kinds["halfvec"]["bytes_per_vector"]
    assert all(kind["build_seconds"] > 0 and kind["search_ms"] > 0 for kind in kinds.values())


@pytest.mark.parametrize("filled", [SIGNS_SAY_NOTHING], indirect=True)
def test_bits_are_not_advised_where_signs_say_nothing(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = advise(capsys, "--recall", "0.9")

    kinds = {str(kind["kind"]): kind for kind in told["kinds"]}
    assert kinds["bit"]["recall"] < 0.5
    assert told["advice"] == "halfvec"


def test_the_advice_is_a_command_that_works(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", "advise", "--recall", "0.1", "--questions", "5"]) == 0
    command = capsys.readouterr().out.splitlines()[-1].partition(": ingest ")[2].split()
    assert command[:2] == ["index", "build"]

    assert main(["index", "build", "--kind", "bit"]) == 0
    assert main(["index", "show", "--json"]) == 0
    printed = capsys.readouterr().out
    spaces = {space["embed_model"]: space for space in json.loads(printed[printed.index("[") :])}

    assert spaces[MODEL.name]["index_kind"] == "bit"
    assert spaces[MODEL.name]["usable"]
    assert spaces[MODEL.name]["vectors"] == ROWS


def test_an_index_is_built_as_carefully_as_it_was_told_once(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ["--recall", "0.1", "--questions", "5"]
    assert main(["index", "advise", "--ef-construction", "32", *few]) == 0
    assert "--ef-construction 32" in capsys.readouterr().out.splitlines()[-1]
    assert main(["index", "build", "--kind", "halfvec", "--ef-construction", "31"]) == 2

    assert main(["index", "build", "--kind", "halfvec", "--ef-construction", "40"]) == 0
    assert main(["index", "drop", "--yes"]) == 0
    assert main(["index", "build", "--kind", "halfvec"]) == 0

    capsys.readouterr()
    assert main(["index", "show", "--json"]) == 0
    spaces = {space["embed_model"]: space for space in json.loads(capsys.readouterr().out)}
    assert spaces[MODEL.name]["ef_construction"] == 40
    with psycopg.connect(filled) as connection:
        options = connection.execute(
            "SELECT reloptions FROM pg_class WHERE relname = 'idx_hnsw_chunks_wll2s_v1'"
        ).fetchone()
    assert options == (["ef_construction=40"],)


def test_an_index_that_was_dropped_is_shown_as_none(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", "drop"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert main(["index", "drop", "--yes"]) == 0
    capsys.readouterr()

    assert main(["index", "show"]) == 0

    assert "none: search is exact" in capsys.readouterr().out


def test_a_model_without_vectors_and_one_that_is_unknown_are_refused(
    filled: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["index", "advise", "--model", LARGE_MODEL.label]) == 1
    assert "too few vectors" in capsys.readouterr().err
    assert main(["index", "build", "--kind", "bit", "--model", "none@0"]) == 2
    assert MODEL.label in capsys.readouterr().err


async def test_progress_is_read_while_an_index_is_built(database: Database) -> None:
    job = await builders.a_claimed_job(database, builders.an_arrival(LOCAL_TENANT))
    await builders.publish(
        database, job, numbered_chunks(job, ROWS), vectors=vectors_with(0.0, 1.0)
    )
    store = IndexStore(database)
    seen: list[str] = []
    async with database.connection() as writer:
        begun = writer.transaction()
        await begun.start()  # an index that is built beside writers waits for them
        await writer.execute("UPDATE upload_pipeline.document_chunks SET text = text")
        building = asyncio.create_task(store.rebuild(MODEL, IndexKind.BIT))
        while not seen:
            await asyncio.sleep(0.02)
            if (progress := await store.progress()) is not None:
                seen.append(progress.phase)
        await begun.rollback()
    await building

    assert seen
    assert await store.progress() is None


def test_doctor_names_vectors_without_an_index_and_spaces_that_the_settings_do_not(
    filled: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = {"INGEST_DATABASE_URL": filled, "INGEST_STATE_DIR": str(tmp_path)}

    async def disturb() -> None:
        database = Database(filled)
        await IndexStore(database).drop(MODEL)
        await builders.execute(
            database,
            "INSERT INTO upload_pipeline.serving_spaces (tenant_id, embed_model, embed_version)"
            " VALUES (gen_random_uuid(), 'text-embedding-3-large', '1')",
        )
        await database.close()

    def findings() -> list[str]:
        found = ingest("doctor", "--json", **here).json()
        return [one["text"] for one in found if one["subject"] == "index"]

    monkeypatch.setattr("ingest.cli.checks.components._MANY_VECTORS", ROWS - 1)
    before = findings()
    asyncio.run(disturb())
    without, unknown = findings()
    monkeypatch.setattr("ingest.cli.checks.components._MANY_VECTORS", ROWS)

    assert before == []
    assert f"over {ROWS - 1} vectors of {MODEL.label}" in without
    assert "text-embedding-3-large@1 serves tenants" in unknown
    assert len(findings()) == 1, "few vectors need no index"
