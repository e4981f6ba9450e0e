"""Ids: the same thing always gets the same name, and two things never share one."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from ingest.domain import identity

TENANT = UUID("11111111-1111-4111-8111-111111111111")
OTHER = UUID("22222222-2222-4222-8222-222222222222")
DIGEST = identity.sha256_hex(b"bytes")


def test_ids_do_not_change_between_releases() -> None:
    document = identity.document_id(TENANT, identity.content_name(DIGEST))
    chunk = identity.chunk_id(document, "structure/1:512+64", 3, bytes(32))

    assert document == UUID("afed3524-10f3-553f-bacc-ff549c8de5b1")
    assert chunk == UUID("f6438f5f-e452-5150-90ff-47bc7dba37a2")


def test_tenants_share_no_document_and_no_blob() -> None:
    names = [identity.content_name(DIGEST), identity.external_name("invoice")]

    for name in names:
        assert identity.document_id(TENANT, name) != identity.document_id(OTHER, name)
    assert identity.raw_key(TENANT, DIGEST) != identity.raw_key(OTHER, DIGEST)
    assert identity.parsed_key(TENANT, DIGEST) != identity.parsed_key(OTHER, DIGEST)


def test_a_client_cannot_name_an_upload_like_other_content() -> None:
    named = identity.external_name(identity.content_name(DIGEST))

    assert named != identity.content_name(DIGEST)


@given(st.text(), st.text())
def test_documents_are_one_only_under_one_name(first: str, second: str) -> None:
    ids = {identity.document_id(TENANT, identity.external_name(n)) for n in (first, second)}

    assert len(ids) == len({first, second})


Place = tuple[str, int, bytes]
PLACES = st.tuples(
    st.sampled_from(["structure/1:512+64", "structure/1:512+6", "structure/1:512"]),
    st.integers(0, 10**6),
    st.binary(min_size=32, max_size=32),
)


@given(PLACES, PLACES)
def test_chunks_are_one_only_with_chunker_place_and_text(first: Place, second: Place) -> None:
    ids = {identity.chunk_id(TENANT, *place) for place in (first, second)}

    assert len(ids) == len({first, second})


def test_equal_chunks_of_two_documents_are_two() -> None:
    assert identity.chunk_id(TENANT, "c", 0, bytes(32)) != identity.chunk_id(
        OTHER, "c", 0, bytes(32)
    )


def test_blob_keys_of_one_tenant_never_meet() -> None:
    keys = {
        identity.raw_key(TENANT, DIGEST),
        identity.parsed_key(TENANT, DIGEST),
        identity.incoming_key(TENANT, OTHER),
    }

    assert len(keys) == 3
    assert all(key.startswith(f"tenants/{TENANT}/") for key in keys)


def test_the_digest_is_read_back_out_of_the_keys_that_hold_it() -> None:
    keys = [identity.raw_key(TENANT, DIGEST), identity.parsed_key(TENANT, DIGEST)]

    assert [identity.blob_digest(key) for key in keys] == [DIGEST, DIGEST]
    assert [identity.is_raw(key) for key in keys] == [True, False]
