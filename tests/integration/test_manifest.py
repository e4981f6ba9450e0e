"""Manifests: every line is an object or is reported, in each format, and none leads astray."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.adapters.sources import Objects
from ingest.domain.errors import ConfigurationError, SourceUnavailable
from ingest.domain.source_object import Broken, SourceObject


async def read(path: Path) -> list[SourceObject | Broken]:
    return [found async for found in Objects().manifest(str(path)).objects()]


async def test_each_format_names_the_same_objects(tmp_path: Path) -> None:
    (tmp_path / "m.ndjson").write_text(
        '{"uri": "s3://b/a%20b.pdf", "bytes_len": 7, "version": "v1"}\n\n'
        '{"uri": "file:///x/c.txt", "filename": "named.txt"}\n'
    )
    (tmp_path / "m.csv").write_text(
        "uri,filename,bytes_len,version,more\n"
        "s3://b/a%20b.pdf,,7,v1,ignored\nfile:///x/c.txt,named.txt,,,\n"
    )
    table = pa.table(
        {
            "uri": ["s3://b/a%20b.pdf", "file:///x/c.txt"],
            "filename": [None, "named.txt"],
            "bytes_len": [7, None],
            "version": ["v1", None],
        }
    )
    pq.write_table(table, tmp_path / "m.parquet")

    for kind in ("ndjson", "csv", "parquet"):
        assert await read(tmp_path / f"m.{kind}") == [
            SourceObject("s3://b/a%20b.pdf", "a b.pdf", 7, "v1"),
            SourceObject("file:///x/c.txt", "named.txt", 0, ""),
        ]


async def test_broken_lines_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    manifest = tmp_path / "m.jsonl"
    lines = [b'{"uri": "s3://b/%d"}' % number for number in range(3000)]
    lines[1500] = b'{"uri": '
    lines[1600] = b"[]"
    lines[1700] = b'{"uri": 7}'
    lines[1800] = b'{"uri": "http://169.254.169.254/latest"}'
    lines[1900] = b'{"uri": "s3://b/x", "bytes_len": "many"}'
    lines[2000] = b'{"uri": "' + b"x" * 100_000 + b'"}'
    lines[2100] = b"\xff\xfe"
    manifest.write_bytes(b"\n".join(lines))

    found = await read(manifest)

    broken = {entry.place for entry in found if isinstance(entry, Broken)}
    assert broken == {f"line {n + 1}" for n in (*range(1500, 2001, 100), 2100)}
    assert len(found) == 3000
    assert found[-1] == SourceObject("s3://b/2999", "2999", 0, "")


async def test_a_remote_manifest_names_no_file_of_this_machine(s3: str) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1")
    body = b'{"uri": "file:///etc/passwd"}\n{"uri": "s3://documents/a.txt"}\n'
    client.put_object(Bucket="documents", Key="lists/m.ndjson", Body=body)

    source = Objects(endpoint=s3).manifest("s3://documents/lists/m.ndjson")
    found = [entry async for entry in source.objects()]

    assert isinstance(found[0], Broken)
    assert isinstance(found[1], SourceObject)


@pytest.mark.parametrize(
    ("name", "content"),
    [("m.csv", b"url,size\na,1\n"), ("m.parquet", b"PAR1 not"), ("m.parquet", b"")],
)
async def test_a_manifest_that_cannot_be_read_says_so(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SourceUnavailable, match=r"m\."):
        await read(tmp_path / name)


def test_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ndjson"):
        Objects().manifest(str(tmp_path / "list.xml"))
