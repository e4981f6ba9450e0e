"""Forms with several files: each with its own fields, read in pieces of any size."""

from collections.abc import AsyncIterator

import pytest

from ingest.domain.errors import InvalidFilename, InvalidRequest
from serve.multipart import FileForm

B = "--b\r\nContent-Disposition: form-data; name="
END = "--b--\r\n"
TWO = (
    f'{B}"external_id"\r\n\r\none\r\n{B}"file"; filename="a.txt"\r\n\r\nfirst\r\n'
    f'{B}"file"; filename="b.txt"\r\n\r\n\r\n'
    f'{B}"replace"\r\n\r\nfalse\r\n{B}"file"; filename="c.txt"\r\n\r\nthird\r\n--b--\r\n'
)
READ = [
    ("a.txt", {"external_id": "one"}, b"first"),
    ("b.txt", {}, b""),
    ("c.txt", {"replace": "false"}, b"third"),
]


def a_form(body: str | bytes, *, size: int = 7, max_files: int = 3) -> FileForm:
    raw = body.encode() if isinstance(body, str) else body

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(raw), size):
            yield raw[start : start + size]

    allowed = frozenset({"external_id", "replace"})
    return FileForm(pieces(), boundary=b"b", allowed=allowed, max_files=max_files)


async def read(form: FileForm) -> list[tuple[str, dict[str, str], bytes]]:
    found = []
    while (file := await form.next_file()) is not None:
        content = b"".join([piece async for piece in form.content()])
        found.append((file.filename, file.fields, content))
    return found


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
async def test_each_file_has_the_fields_before_it_alone(size: int) -> None:
    assert await read(a_form(TWO, size=size)) == READ


@pytest.mark.parametrize("size", [1, 10_000])
async def test_the_content_of_a_file_may_be_left_unread(size: int) -> None:
    form = a_form(TWO, size=size)
    names = []
    while (file := await form.next_file()) is not None:
        names.append(file.filename)

    assert names == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (TWO.removesuffix(END), "ends before its closing boundary"),
        (TWO.replace(END, f'{B}"file"; filename="d"\r\n\r\nx\r\n{END}'), "over 3 files"),
        (TWO.replace(END, f'{B}"replace"\r\n\r\nno\r\n{END}'), "'replace' has no file after it"),
        (TWO.replace('"replace"', '"colour"'), "has a part 'colour'"),
        (f'{B}"replace"\r\n\r\nno\r\n' * 2 + END, "two parts 'replace'"),
    ],
)
@pytest.mark.parametrize("size", [1, 10_000])
async def test_a_broken_form_stays_broken(body: str, fault: str, size: int) -> None:
    form = a_form(body, size=size)

    for _ in range(2):
        with pytest.raises(InvalidRequest, match=fault):
            await read(form)


async def test_a_filename_that_cannot_be_decoded_concerns_its_file_alone() -> None:
    form = a_form(TWO.encode().replace(b"a.txt", b"\xdc.txt"))

    first, second = await form.next_file(), await form.next_file()

    assert first is not None
    assert isinstance(first.fault, InvalidFilename)
    assert first.filename == "\ufffd.txt"
    assert second is not None
    assert (second.filename, second.fault) == ("b.txt", None)
