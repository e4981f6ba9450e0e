"""Deterministic ids and blob keys: the same thing always gets the same name."""

import hashlib
from uuid import UUID, uuid5

NAMESPACE = UUID("6c8a1e6e-1f0b-4aa8-9f0a-1a7c2e6f2b42")
_EXTERNAL = "external:"
ALL_TENANTS = UUID(int=0)
"""What stands for all tenants where there is a row for each; the database calls it all_tenants().

Of budgets and spending it is the row of all together. Of limits and vector spaces it is the row of
each tenant without one. Where tenants take turns it comes before the first. No tenant has this id.
"""
LOCAL_NAME = "local"
LOCAL_TENANT = uuid5(NAMESPACE, f"tenant:{LOCAL_NAME}")
"""The tenant of every request when authentication is off."""


def tenant_id_of(name: str) -> UUID:
    """The id of the tenant with this name, or the UUID itself."""
    try:
        return UUID(name)
    except ValueError:
        return uuid5(NAMESPACE, f"tenant:{name}")


def tenant_or_local(name: str | None) -> UUID:
    """The id of the tenant with this name or UUID; without one, the local tenant."""
    return LOCAL_TENANT if name is None else tenant_id_of(name)


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def content_name(file_sha256: str) -> str:
    """The name of an upload without an external id: equal bytes have equal names."""
    return f"sha256:{file_sha256}"


def external_name(external_id: str) -> str:
    """The name of an upload with an external id."""
    return f"{_EXTERNAL}{external_id}"


def external_id(name: str) -> str | None:
    """The external id in a document's name; None when it has none."""
    return name.removeprefix(_EXTERNAL) if name.startswith(_EXTERNAL) else None


def document_id(tenant_id: UUID, name: str) -> UUID:
    """Id of the document with this name; tenants never share one."""
    return uuid5(NAMESPACE, f"document:{tenant_id}:{name}")


def chunk_id(document: UUID, chunker: str, chunk_ord: int, text_sha256: bytes) -> UUID:
    """Id of a chunk: the same text at the same place keeps it across generations.

    Args:
        document: Id of the chunk's document.
        chunker: Name and version of the chunker with its settings.
        chunk_ord: Position in the document, from 0.
        text_sha256: 32-byte digest of the chunk's exact text and context.
    """
    return uuid5(document, f"{chunker}:{chunk_ord}:{text_sha256.hex()}")


def raw_key(tenant_id: UUID, file_sha256: str) -> str:
    """Blob key of uploaded bytes."""
    return f"tenants/{tenant_id}/raw/{file_sha256}"


def is_raw(key: str) -> bool:
    """Whether a blob key is of uploaded bytes."""
    return "/raw/" in key


def blob_digest(key: str) -> str:
    """What stands for the digest in a key of ``raw_key`` or ``parsed_key``: SHA-256, 64 hex digits.

    Of another key it is the last part of the path without its ending, which is no digest.
    """
    return key.rpartition("/")[2].partition(".")[0]


def parsed_key(tenant_id: UUID, parsed_sha256: str) -> str:
    """Blob key of a parsed document."""
    return f"tenants/{tenant_id}/parsed/{parsed_sha256}.json"


def incoming_key(tenant_id: UUID, upload_id: UUID) -> str:
    """Blob key of an upload whose digest is not known yet."""
    return f"tenants/{tenant_id}/incoming/{upload_id}"
