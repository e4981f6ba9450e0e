"""Which files ``ingest upload`` sends together."""

from pathlib import Path

from ingest.cli.uploads.select_files import Candidate
from ingest.cli.uploads.send_batch import MAX_FILES, SMALL_BYTES
from ingest.cli.uploads.upload_files import MAX_BATCH_BYTES, group


def some_files(*sizes: int) -> list[Candidate]:
    return [Candidate(Path(f"{n}.txt"), f"{n}.txt", size) for n, size in enumerate(sizes)]


def test_small_files_are_sent_together_and_large_ones_by_themselves() -> None:
    files = some_files(*[10] * 120, SMALL_BYTES + 1, *[10] * 3)

    groups = list(group(files, requests=2))

    assert sorted(map(len, groups)) == [1, 23, 50, 50]
    assert [files[120]] in groups
    assert {file for one in groups for file in one} == set(files)
    assert max(map(len, groups)) == MAX_FILES


def test_the_bytes_of_a_request_are_bounded() -> None:
    groups = list(group(some_files(*[SMALL_BYTES] * 40), requests=1))

    assert [len(one) for one in groups] == [16, 16, 8]
    assert all(sum(file.bytes_len for file in one) <= MAX_BATCH_BYTES for one in groups)


def test_few_files_are_divided_among_the_requests() -> None:
    assert [len(one) for one in group(some_files(*[10] * 10), requests=4)] == [3, 3, 3, 1]
    assert [len(one) for one in group(some_files(*[10] * 3), requests=4)] == [1, 1, 1]
    assert list(group([], requests=4)) == []
