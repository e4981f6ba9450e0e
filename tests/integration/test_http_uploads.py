"""Documents that are taken in over HTTP."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.gateway import Running, upload

TEXT = b"The ferry leaves at seven."
BOUNDARY = "----frontier"


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_form_upload_makes_a_document_and_a_job(gateway: Running) -> None:
    response = await gateway.client.post(
        "/v1/documents", data={"external_id": "a note"}, files={"file": ("note.txt", TEXT)}
    )

    assert response.status_code == 202
    body = response.json()
    assert response.headers["location"] == body["status_url"] == f"/v1/jobs/{body['job_id']}"
    assert (body["generation"], body["created"]) == (1, True)
    document = (await gateway.client.get(body["document_url"])).json()
    assert (document["filename"], document["bytes_len"]) == ("note.txt", len(TEXT))
    assert document["external_id"] == "a note"
    job = (await gateway.client.get(body["status_url"])).json()
    assert (job["stage"], job["state"], job["lane"]) == ("queued", "queued", "interactive")
    [blob] = gateway.blob_files()
    assert blob.endswith(document["file_sha256"])


async def test_a_raw_upload_is_the_same_document_as_a_form_upload(gateway: Running) -> None:
    by_form = await gateway.client.post("/v1/documents", files={"file": ("note.txt", TEXT)})
    by_body = await gateway.client.post(
        "/v1/documents", content=TEXT, headers={"X-Filename": "note.txt"}
    )

    assert (by_form.status_code, by_body.status_code) == (202, 200)
    first, second = by_form.json(), by_body.json()
    assert (first.pop("created"), second.pop("created")) == (True, False)
    assert first == second
    assert gateway.count() == (1, 1)


async def test_new_bytes_under_an_external_id_are_the_next_generation(gateway: Running) -> None:
    first = await upload(gateway, b"First edition.", external_id="guide")
    second = await upload(gateway, b"Second edition.", external_id="guide")

    assert first["document_id"] == second["document_id"]
    assert (first["generation"], second["generation"]) == (1, 2)
    superseded = (await gateway.client.get(first["status_url"])).json()
    assert superseded["state"] == "cancelled"
    document = (await gateway.client.get(second["document_url"])).json()
    assert (document["external_id"], document["generation"]) == ("guide", 2)


async def test_an_external_id_can_come_in_the_form(gateway: Running) -> None:
    response = await gateway.client.post(
        "/v1/documents", data={"external_id": "Übersicht/1"}, files={"file": ("note.txt", TEXT)}
    )

    document = (await gateway.client.get(response.json()["document_url"])).json()
    assert document["external_id"] == "Übersicht/1"


async def test_an_idempotency_key_repeats_its_answer(gateway: Running) -> None:
    headers = {"Idempotency-Key": "order-7"}

    first = await upload(gateway, TEXT, headers=headers, external_id="guide")
    await upload(gateway, b"Something newer.", external_id="guide")
    again = await upload(gateway, TEXT, headers=headers, external_id="guide")

    assert again == first | {"created": False}


async def test_an_idempotency_key_with_other_content_is_a_conflict(gateway: Running) -> None:
    headers = {"Idempotency-Key": "order-7"}
    await upload(gateway, TEXT, headers=headers)

    response = await gateway.client.post(
        "/v1/documents?filename=note.txt", content=b"Other words.", headers=headers
    )

    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert gateway.count() == (1, 1)


@pytest.mark.parametrize(
    ("header", "filename"),
    [
        ("note.txt", "note.txt"),
        ("UTF-8''na%C3%AFve%20plan.txt", "naïve plan.txt"),
        ("iso-8859-1'en'na%EFve.txt", "naïve.txt"),
        ("na%C3%AFve.txt", "naïve.txt"),
        ("naïve.txt".encode(), "naïve.txt"),
        ("100%.txt", "100%.txt"),
        ("../../etc/x", "x"),
        ("..\\up.txt", "up.txt"),
    ],
)
async def test_a_filename_in_a_header_is_decoded_and_loses_its_folder(
    gateway: Running, header: str | bytes, filename: str
) -> None:
    response = await gateway.client.post(
        "/v1/documents", content=TEXT, headers=[(b"X-Filename", _bytes(header))]
    )

    assert response.status_code == 202, response.text
    document = (await gateway.client.get(response.json()["document_url"])).json()
    assert document["filename"] == filename
    assert all(".." not in blob for blob in gateway.blob_files())


@pytest.mark.parametrize(
    ("written", "filename"),
    [("../x", "x"), ("naïve.txt", "naïve.txt"), ("say %22hi%22.txt", 'say "hi".txt')],
)
async def test_a_filename_in_a_form_is_decoded_and_loses_its_folder(
    gateway: Running, written: str, filename: str
) -> None:
    body = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{written}"\r\n'
        f"\r\n{TEXT.decode()}\r\n--{BOUNDARY}--\r\n"
    )

    response = await gateway.client.post(
        "/v1/documents",
        content=body.encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )

    assert response.status_code == 202, response.text
    document = (await gateway.client.get(response.json()["document_url"])).json()
    assert document["filename"] == filename


async def test_a_form_may_arrive_in_pieces_of_any_size(gateway: Running) -> None:
    content = b"\r\n--not the boundary\r\n------front\r\n-" * 50

    async def pieces(size: int) -> AsyncIterator[bytes]:
        part = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
        head = f'{part}"external_id"\r\n\r\npieces\r\n{part}"file"; filename="a.txt"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{BOUNDARY}--\r\nepilogue".encode()
        for start in range(0, len(body), size):
            yield body[start : start + size]

    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answers = [
        await gateway.client.post("/v1/documents", content=pieces(size), headers=headers)
        for size in (7, 1000)
    ]

    assert [answer.status_code for answer in answers] == [202, 200]
    document = (await gateway.client.get(answers[0].json()["document_url"])).json()
    assert (document["external_id"], document["bytes_len"]) == ("pieces", len(content))


async def test_a_large_upload_is_stored_as_it_was_sent(gateway: Running) -> None:
    line = b"All work and no play makes the harbour a dull place.\n"

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield line * 1000

    response = await gateway.client.post("/v1/documents?filename=long.txt", content=parts())

    assert response.status_code == 202
    document = (await gateway.client.get(response.json()["document_url"])).json()
    assert document["bytes_len"] == len(line) * 100_000
    [blob] = gateway.blob_files()
    assert (gateway.blob_folder / blob).read_bytes() == line * 100_000


async def test_the_request_id_goes_with_the_job(gateway: Running) -> None:
    document = await upload(gateway, headers={"X-Request-ID": "trace-7"})

    job = (await gateway.client.get(document["status_url"])).json()

    assert job["correlation_id"] == "trace-7"


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("ascii")
