"""``ingest upload`` sends small files together, and tells of each what it tells of one."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.adapters.postgres.jobs.limit_store import LimitStore
from ingest.cli.output import size
from ingest.cli.uploads import transfer
from ingest.domain.identity import LOCAL_TENANT
from ingest.domain.tenant_limits import TenantLimits
from ingest.settings import Settings
from ingest.wiring.storage import open_database
from tests import samples
from tests.integration.cli_system import Faults, Outcome, gateway, ingest
from tests.integration.gateway import a_settings

BATCH, ALONE = "/v1/documents:batch", "/v1/documents"


@pytest.fixture
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return a_settings(database_url, tmp_path_factory.mktemp("system"))


@pytest.fixture
def counted() -> tuple[Faults, Faults]:
    """Count the requests of batches, and those of single files."""
    return Faults(paths=[BATCH]), Faults(paths=[ALONE])


@pytest.fixture
def url(settings: Settings, counted: tuple[Faults, Faults]) -> Iterator[str]:
    with gateway(settings, *counted) as address:
        yield address


def a_folder(root: Path, count: int) -> Path:
    for n in range(count):
        (root / f"{n}.txt").write_text(f"Paper {n} is about tides.")
    return root


def upload(url: str, *arguments: object) -> Outcome:
    return ingest("upload", *arguments, "--no-wait", "--json", "--concurrency", 1, "--url", url)


def names(url: str) -> list[str]:
    return sorted(job["filename"] for job in ingest("jobs", "--json", "--url", url).json())


def test_small_files_share_a_request_and_a_large_one_has_its_own(
    url: str, counted: tuple[Faults, Faults], tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, 60)
    (folder / "large.txt").write_text("The tide comes in.\n" * 20_000)

    first = upload(url, folder)
    sent = [one.seen for one in counted]
    again = ingest("upload", folder, "--no-wait", "--url", url)

    assert first.code == again.code == 0
    assert sent == [2, 1]
    assert first.json()["uploaded"] == 61
    assert "0 new, 61 already there" in again.out
    assert f"({size(sum(path.stat().st_size for path in folder.iterdir()))} sent" in again.out


def test_bad_files_in_a_batch_are_told_like_single_ones(
    url: str, counted: tuple[Faults, Faults], tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, 3)
    (folder / "empty.txt").touch()
    (folder / "song.txt").write_bytes(samples.mp3())
    (folder / "gone.txt").symlink_to(folder / "0.txt")
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.txt")).write_text("Latin letters.")

    outcome = upload(url, folder)

    assert outcome.code == 1
    summary = outcome.json()
    assert summary["uploaded"] == 3
    assert sorted(one["code"] for one in summary["rejected"]) == [
        "document_empty",
        "invalid_filename",
        "unsupported_media_type",
    ]
    assert counted[0].seen == 1


def test_a_batch_replaces_documents_and_refuses_to(url: str, tmp_path: Path) -> None:
    folder = a_folder(tmp_path, 3)
    upload(url, folder, "--external-ids")
    for n in range(2):
        (folder / f"{n}.txt").write_text(f"Now {n} is about lighthouses.")

    refused = upload(url, folder, "--external-ids", "--no-replace")
    replaced = upload(url, folder, "--external-ids")

    assert (refused.code, replaced.code) == (1, 0)
    assert [one["code"] for one in refused.json()["rejected"]] == ["document_exists"] * 2
    assert [
        (Path(one["file"]).name, one["generation"], one["from_elsewhere"])
        for one in replaced.json()["replaced"]
    ] == [("0.txt", 1, False), ("1.txt", 1, False)]


@pytest.mark.parametrize(
    "name", ['a"b.txt', "a%22b.txt", "ü €.txt", "a\\b;c.txt", "=?utf-8?Q?x?=.txt"]
)
def test_names_of_all_kinds_arrive_as_by_single_uploads(
    url: str, tmp_path: Path, name: str
) -> None:
    a_folder(tmp_path, 1)
    (tmp_path / name).write_text("Another paper.")
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / name).write_text("A paper in a request of its own.")

    upload(url, tmp_path / "alone")
    alone = names(url)
    together = upload(url, tmp_path / name, tmp_path / "0.txt")

    assert together.code == 0, together.err
    assert names(url) == sorted([*alone * 2, "0.txt"])


@pytest.mark.parametrize("status", [404, 405])
def test_a_gateway_without_batches_gets_each_file_by_itself(
    settings: Settings, tmp_path: Path, status: int
) -> None:
    batches, alone = Faults(*[status] * 9, paths=[BATCH]), Faults(paths=[ALONE])
    with gateway(settings, batches, alone) as url:
        outcome = upload(url, a_folder(tmp_path, 120))

    assert outcome.code == 0
    assert outcome.json()["uploaded"] == 120
    assert (batches.seen, alone.seen) == (1, 120)


def test_a_batch_that_is_refused_as_a_whole_is_sent_file_by_file(
    settings: Settings, tmp_path: Path
) -> None:
    batches, alone = Faults(413, paths=[BATCH]), Faults(paths=[ALONE])
    with gateway(settings, batches, alone) as url:
        outcome = upload(url, a_folder(tmp_path, 60))

    assert (outcome.code, outcome.json()["uploaded"]) == (0, 60)
    assert (batches.seen, alone.seen) == (2, 50)


def test_a_busy_gateway_gets_the_batch_again(settings: Settings, tmp_path: Path) -> None:
    faults = Faults(503, 429, paths=[BATCH])
    with gateway(settings, faults) as url:
        outcome = upload(url, a_folder(tmp_path, 5))

    assert (outcome.code, outcome.json()["uploaded"]) == (0, 5)
    assert faults.seen == 3


def test_a_limit_that_is_reached_inside_a_batch_ends_the_upload_with_its_reason(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def limit() -> None:
        database = open_database(settings)
        await LimitStore(database).set(LOCAL_TENANT, TenantLimits(uploads_per_day=3))
        await database.close()

    asyncio.run(limit())
    monkeypatch.setattr(transfer, "BATCH_PATIENCE_SECONDS", 0.5)
    with gateway(settings) as url:
        outcome = upload(url, a_folder(tmp_path, 5))

    assert outcome.code == 2
    assert "uploads_per_day: the tenant may have 3 uploads" in outcome.err
    assert "run the same command again to resume" in outcome.err
    assert outcome.json()["uploaded"] == 3
