"""What a backfill reads: all that is listed, once, as it is; and clear words where it cannot."""

from pathlib import Path

import boto3
import pytest

from ingest.adapters.object_source import ObjectSource, open_source
from ingest.domain.errors import ConfigurationError, NotFound
from ingest.domain.source import SourceObject, SourceUnavailable

FILES = {
    "a.txt": b"one",
    "deep/er/b b.md": b"two two",
    "deep/größe.txt": b"three",
    "empty.txt": b"",
}
MANY = 1203
"""More than one page of a listing."""


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str | None]:
    """A URI behind which FILES are, and the endpoint."""
    if request.param == "folder":
        for name, content in FILES.items():
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return str(tmp_path / "in"), None
    endpoint = request.getfixturevalue("s3")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    prefix = f"of-{tmp_path.name}"
    for name, content in FILES.items():
        client.put_object(Bucket="documents", Key=f"{prefix}/{name}", Body=content)
    client.put_object(Bucket="documents", Key=f"{prefix}-another/x.txt", Body=b"not meant")
    return f"s3://documents/{prefix}", endpoint


async def listed(source: ObjectSource) -> list[SourceObject]:
    return [found async for found in source.objects()]


async def content(source: ObjectSource, found: SourceObject) -> bytes:
    return b"".join([part async for part in source.read(found)])


async def test_everything_is_listed_once_and_read_as_it_is(
    place: tuple[str, str | None],
) -> None:
    source = open_source(place[0], endpoint=place[1])

    found = await listed(source)

    read = {entry.uri: await content(source, entry) for entry in found}
    assert sorted(read.values()) == sorted(FILES.values())
    assert sorted(entry.filename for entry in found) == sorted(Path(n).name for n in FILES)
    assert {entry.bytes_len for entry in found} == {len(body) for body in FILES.values()}
    assert all(entry.uri.startswith(("file:///", "s3://documents/")) for entry in found)
    assert all(" " not in entry.uri for entry in found)


async def test_one_object_can_be_named(place: tuple[str, str | None]) -> None:
    source = open_source(f"{place[0]}/a.txt", endpoint=place[1])

    [found] = await listed(source)

    assert (found.filename, await content(source, found)) == ("a.txt", b"one")


async def test_a_listing_of_many_pages_is_read_to_its_end(s3: str) -> None:
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    for number in range(MANY):
        client.put_object(Bucket="documents", Key=f"many/{number}.txt", Body=b"x")

    found = await listed(open_source("s3://documents/many", endpoint=s3))

    assert len({entry.uri for entry in found}) == len(found) == MANY


async def test_an_object_that_vanishes_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    source = open_source(str(tmp_path))
    [found] = await listed(source)
    (tmp_path / "a.txt").unlink()

    with pytest.raises(NotFound, match=r"a\.txt"):
        await content(source, found)


async def test_a_bucket_that_is_not_there_says_so(s3: str) -> None:
    with pytest.raises((NotFound, SourceUnavailable), match="s3://nobodys"):
        await listed(open_source("s3://nobodys/x", endpoint=s3))


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1/x",
        "https://example.org/x",
        "ftp://a/b",
        "file://host/etc",
        "s3:///x",
        "data:text/plain,x",
        "/no/such/folder",
    ],
)
def test_other_places_are_refused(place: str) -> None:
    with pytest.raises(ConfigurationError):
        open_source(place)
