"""Filenames in forms: every way in which clients write them gives the name itself."""

from collections.abc import AsyncIterator

import pytest

from ingest.domain.errors import InvalidFilename, InvalidRequest
from serve.multipart import FileForm

NAME = "Übersicht €.md"
WORD = "=?utf-8?B?w5xiZXJzaWNodCDigqwubWQ=?="
EXTENDED = "utf-8''%C3%9Cbersicht%20%E2%82%AC.md"


async def name_in(parameters: str | bytes) -> str:
    raw = parameters.encode() if isinstance(parameters, str) else parameters
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"' + raw + b"\r\n\r\nwords\r\n--b--\r\n"
    )

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    form = FileForm(pieces(), boundary=b"b", allowed=frozenset())
    name = (await form.open()).filename
    assert b"".join([piece async for piece in form.content()]) == b"words"
    return name


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (f'; filename="{NAME}"', NAME),
        (f'; filename="{WORD}"; filename*={EXTENDED}', NAME),
        (f'; filename="{WORD}"', NAME),
        (f"; filename={WORD}", NAME),
        ('; filename="=?utf-8?Q?=C3=9Cber?= =?utf-8?Q?sicht.md?="', "Übersicht.md"),
        ('; filename="=?iso-8859-1?Q?=DCber.md?="', "Über.md"),
        (f"; filename*={EXTENDED}", NAME),
        (f"; filename*=UTF-8'de'{EXTENDED.partition(chr(39) * 2)[2]}", NAME),
        (f'; filename*="{EXTENDED}"', NAME),
        ("; filename*=iso-8859-1''%DCber.md", "Über.md"),
        (f"; filename*={EXTENDED}; filename=other.txt", NAME),
        (f"; filename=other.txt; FILENAME*={EXTENDED}", NAME),
        ("; filename=plain.md; filename*=utf-8''%DCber.md", "plain.md"),
        ("; filename=plain.md; filename*=nonsense''x.md", "plain.md"),
        ("; filename=plain.md; filename*=", "plain.md"),
        ("; filename*0*=utf-8''%C3%9Cber; filename*1=sicht.md", "Übersicht.md"),
        ("; filename=\"a; filename*=utf-8''b.txt\"", "a; filename*=utf-8''b.txt"),
        ('; filename="100% a+b%20c.txt"', "100% a+b%20c.txt"),
        ('; filename="a%22b.txt"', 'a"b.txt'),
        ('; filename="=?utf-8?B?not base64?= and more.txt"', "=?utf-8?B?not base64?= and more.txt"),
        ('; filename="=?nonsense?B?w5w=?="', "=?nonsense?B?w5w=?="),
    ],
)
async def test_a_filename_is_read_as_its_client_means_it(parameters: str, expected: str) -> None:
    assert await name_in(parameters) == expected


@pytest.mark.parametrize(
    "parameters",
    [b'; filename="\xdcber.md"', b"; filename*=utf-8''%DCber.md", b"; filename*=nonsense''x.md"],
)
async def test_a_filename_in_another_charset_than_it_says_is_refused(parameters: bytes) -> None:
    with pytest.raises(InvalidFilename, match="the filename is not"):
        await name_in(parameters)


async def test_a_file_without_any_filename_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="has no filename"):
        await name_in("")
