"""Periodic duties of which each is done by one process at a time."""

from dataclasses import dataclass
from uuid import UUID

from ingest.domain.identity import sha256_hex


@dataclass(frozen=True, slots=True)
class LeasedDuty:
    """The time-limited right to do a duty."""

    name: str
    token: UUID
    """Issued anew to every holder; a write with an older one changes nothing."""


def scoped(name: str, *facts: str) -> str:
    """The name of a duty that only processes can do for each other of which these facts are equal.

    Args:
        name: What is done.
        facts: Such as the fingerprints of keys; only their digest is in the name.
    """
    return f"{name}:{sha256_hex(chr(0).join(facts).encode())[:8]}"
