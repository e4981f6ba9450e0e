"""From one local model to the other and back: questions are answered in the space that serves."""

import asyncio
from pathlib import Path
from typing import Any

from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.domain.local_models import MINILM, WORDLLAMA
from tests import builders
from tests.integration.cli_system import ingest
from tests.integration.gateway import Running, a_settings, publish, running, upload

ANSWERS = {
    "refund.md": "Refunds are paid to the customer's account within ten days.",
    "holiday.md": "Our offices are closed on public holidays.",
    "parking.md": "Visitors park behind the main building.",
}


async def search(gateway: Running) -> tuple[list[str], list[str]]:
    """Which spaces were searched, and the documents that were found, best first."""
    asked = {"query": "How do I get my money back?", "mode": "vector", "k": 10}
    response = await gateway.client.post("/v1/search", json=asked)
    assert response.status_code == 200, response.text
    found = response.json()
    return found["models"], [hit["filename"] for hit in found["hits"]]


async def move(gateway: Running, *arguments: str) -> Any:
    """What ``ingest model move`` says."""
    settings = gateway.settings
    outcome = await asyncio.to_thread(
        ingest, "model", "move", "--json", *arguments,
        INGEST_DATABASE_URL=gateway.database.url,
        INGEST_NEXT_MODEL=MINILM.name,
        INGEST_MODEL_CACHE_DIR=str(settings.model_cache_dir),
        INGEST_STATE_DIR=str(settings.state_dir),
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    return outcome.json()


async def test_tenants_move_to_the_better_model_and_back(database_url: str, tmp_path: Path) -> None:
    there, home = MINILM.model, WORDLLAMA.model
    settings = a_settings(
        database_url, tmp_path, next_model=MINILM.name, model_cache_dir=tmp_path / "models"
    )
    async with running(settings) as gateway:
        for filename, text in ANSWERS.items():
            await upload(gateway, text.encode(), filename=filename)
            await publish(gateway, text)
        before, _ = await search(gateway)

        moved = await move(gateway)
        during, found = await search(gateway)
        back = await move(gateway, "--to", home.label)
        after, again = await search(gateway)

        assert (before, during, after) == ([home.label], [there.label], [home.label])
        assert moved["chunks"] == len(ANSWERS)
        assert back["chunks"] == 0, "the earlier vectors are still there"
        assert found[0] == "refund.md"
        assert {*found} == {*again} == {*ANSWERS}
        assert await IndexStore(gateway.database).is_usable(there)


async def test_without_its_migration_the_vectors_are_gone_and_others_stay(
    database: Database,
) -> None:
    for local in (WORDLLAMA, MINILM):
        job = await builders.a_claimed_job(database)
        await builders.publish(
            database, job, builders.some_chunks(job, local.name), model=local.model
        )
    first = await IndexStore(database).is_usable(MINILM.model)

    await asyncio.to_thread(migrate.downgrade, database.url, "0005")
    left = await builders.fetch(database, "SELECT text FROM upload_pipeline.document_chunks")
    await asyncio.to_thread(migrate.upgrade, database.url)

    assert left == [{"text": WORDLLAMA.name}]
    assert first
    assert not await IndexStore(database).is_usable(MINILM.model), "chunks must not be locked"
