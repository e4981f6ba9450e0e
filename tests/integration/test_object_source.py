"""What a backfill reads: all that is listed, once, as it is; and clear words where it cannot."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest

from ingest.adapters.sources import Objects
from ingest.domain.errors import ConfigurationError, NotFound, SourceChanged, SourceUnavailable
from ingest.domain.source_object import SourceObject
from ingest.ports.sources import Source

FILES = {
    "a.txt": b"one",
    "deep/er/b b.md": b"two two",
    "deep/größe.txt": b"three",
    "empty.txt": b"",
}
MANY = 1203
"""More than one page of a listing."""


@pytest.fixture(params=["folder", "s3", "gs"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str | None]:
    """A URI behind which FILES are, and the endpoint.

    Google's storage is spoken to in its XML dialect, which is that of S3 but for the credentials.
    """
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
        client.put_object(
            Bucket="documents", Key=f"{prefix}/{name}", Body=content, ACL="public-read"
        )
    client.put_object(Bucket="documents", Key=f"{prefix}-another/x.txt", Body=b"not meant")
    account = {"gcs_base_url": endpoint, "disable_oauth": True}
    nobody = dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
    (tmp_path / "account.json").write_text(json.dumps(account | nobody))
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(tmp_path / "account.json"))
    return f"{request.param}://documents/{prefix}", endpoint


async def listed(source: Source) -> list[SourceObject]:
    return [found async for found in source.objects() if isinstance(found, SourceObject)]


async def content(objects: Objects, uri: str) -> bytes:
    return b"".join([part async for part in objects.read(uri)])


def write(folder: str | Path, name: bytes, body: bytes) -> None:
    Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(body)


async def test_everything_is_listed_once_and_read_as_it_is(
    place: tuple[str, str | None],
) -> None:
    objects = Objects(endpoint=place[1])

    found = await listed(objects.listing(place[0]))

    read = {entry.uri: await content(objects, entry.uri) for entry in found}
    assert sorted(read.values()) == sorted(FILES.values())
    assert sorted(entry.filename for entry in found) == sorted(Path(n).name for n in FILES)
    assert {entry.bytes_len for entry in found} == {len(body) for body in FILES.values()}
    assert all(
        entry.uri.startswith(("file:///", "s3://documents/", "gs://documents/")) for entry in found
    )
    assert all(" " not in entry.uri for entry in found)


async def test_one_object_can_be_named(place: tuple[str, str | None]) -> None:
    objects = Objects(endpoint=place[1])

    [found] = await listed(objects.listing(f"{place[0]}/a.txt"))

    assert (found.filename, await content(objects, found.uri)) == ("a.txt", b"one")


async def test_a_listing_of_many_pages_is_read_to_its_end(s3: str) -> None:
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    for number in range(MANY):
        client.put_object(Bucket="documents", Key=f"many/{number}.txt", Body=b"x")

    found = await listed(Objects(endpoint=s3).listing("s3://documents/many"))

    assert len({entry.uri for entry in found}) == len(found) == MANY


async def test_an_object_that_vanishes_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    objects = Objects()
    [found] = await listed(objects.listing(str(tmp_path)))
    (tmp_path / "a.txt").unlink()

    with pytest.raises(NotFound, match=r"a\.txt"):
        await content(objects, found.uri)


async def test_a_bucket_that_is_not_there_says_so(s3: str) -> None:
    with pytest.raises((NotFound, SourceUnavailable), match="s3://nobodys"):
        await listed(Objects(endpoint=s3).listing("s3://nobodys/x"))


@pytest.fixture
def endless() -> Iterator[str]:
    """Endpoint of an S3 server whose listing gives the same page for ever."""
    entry = "<Contents><Key>in/{}.txt</Key><LastModified>2026-01-01T00:00:00Z</LastModified>"
    entry += '<ETag>"e"</ETag><Size>1</Size></Contents>'
    page = "".join(entry.format(number) for number in range(1000))
    body = (
        "<ListBucketResult><Name>b</Name><KeyCount>1000</KeyCount><IsTruncated>true</IsTruncated>"
        f"<NextContinuationToken>more</NextContinuationToken>{page}</ListBucketResult>"
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.usefixtures("s3")
async def test_a_bucket_that_lists_for_ever_says_so(endless: str) -> None:
    with pytest.raises(SourceUnavailable, match="repeats a page"):
        await listed(Objects(endpoint=endless).listing("s3://documents/in"))


@pytest.mark.parametrize("place", ["gs"], indirect=True)
async def test_what_needs_other_credentials_says_so(place: tuple[str, str]) -> None:
    client = boto3.client("s3", endpoint_url=place[1], region_name="us-east-1")
    prefix = place[0].partition("://documents/")[2]
    client.put_object(Bucket="documents", Key=f"{prefix}/secret.txt", Body=b"nobody's")
    objects = Objects(endpoint=place[1])

    found = await listed(objects.listing(place[0]))
    [secret] = [entry for entry in found if entry.filename == "secret.txt"]

    with pytest.raises(SourceUnavailable, match=r"PermissionDeniedError: 403 [A-Z]"):
        await content(objects, secret.uri)
    others = [await content(objects, entry.uri) for entry in found if entry != secret]
    assert sorted(others) == sorted(FILES.values())


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
        Objects().listing(place)


async def test_a_version_changes_with_the_bytes(place: tuple[str, str | None]) -> None:
    objects = Objects(endpoint=place[1])
    before = {entry.uri: entry.version for entry in await listed(objects.listing(place[0]))}

    again = {entry.uri: entry.version for entry in await listed(objects.listing(place[0]))}
    if place[1] is None:
        write(place[0], b"a.txt", b"other")
    else:
        client = boto3.client("s3", endpoint_url=place[1], region_name="us-east-1")
        prefix = place[0].partition("://documents/")[2]
        client.put_object(Bucket="documents", Key=f"{prefix}/a.txt", Body=b"other")
    after = {entry.uri: entry.version for entry in await listed(objects.listing(place[0]))}

    assert again == before
    assert all(before.values())
    [changed] = [uri for uri, version in after.items() if before[uri] != version]
    assert changed.endswith("/a.txt")


async def test_names_that_are_not_utf8_are_read_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_bytes(b"good")
    write(tmp_path, b"caf\xe9.txt", b"latin")
    objects = Objects()

    found = await listed(objects.listing(str(tmp_path)))

    assert [entry.filename for entry in found] == ["caf\N{REPLACEMENT CHARACTER}.txt", "good.txt"]
    assert found[0].uri.endswith("/caf%E9.txt")
    assert [await content(objects, entry.uri) for entry in found] == [b"latin", b"good"]


async def test_a_file_that_is_written_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"x" * 3_000_000)
    parts = Objects().read(path.as_uri())
    await anext(parts)
    with path.open("ab") as more:
        more.write(b"y")

    with pytest.raises(SourceChanged, match=r"log\.txt"):
        [part async for part in parts]


async def test_what_is_no_file_is_neither_listed_nor_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    objects = Objects()

    assert await listed(objects.listing(str(tmp_path))) == []
    with pytest.raises(SourceUnavailable, match="not a regular file"):
        await content(objects, (tmp_path / "pipe").as_uri())
