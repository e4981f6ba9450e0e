"""Callers, and their scopes."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ingest.domain.errors import Forbidden


class Scope(StrEnum):
    """The scopes of a caller; no scope includes another."""

    READ = "read"
    """Read documents, jobs, chunks and costs of the tenant, and search."""
    WRITE = "write"
    """Upload, delete, cancel and retry."""
    ADMIN = "admin"
    """Reserved for operations beyond the tenant's own documents."""
    WEBHOOK = "webhook"
    """Report that a parse has ended. The token in the webhook's URL grants it; no key has it."""


KEY_SCOPES = (Scope.READ, Scope.WRITE, Scope.ADMIN)
"""Scopes that a key can have."""
DEFAULT_SCOPES = frozenset({Scope.READ, Scope.WRITE})
ALL_SCOPES = frozenset(KEY_SCOPES)


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a request: its tenant and its scopes."""

    tenant_id: UUID
    scopes: frozenset[Scope]
    tenant_name: str | None = None
    """Name of the tenant, if the credentials contain it."""

    def ensure(self, needed: Scope) -> None:
        """Check that the caller has a scope.

        Raises:
            Forbidden: the scope is missing.
        """
        if needed not in self.scopes:
            there = in_words(self.scopes)
            raise Forbidden(f"this needs the scope {needed.value!r}; the caller has {there}")


def in_words(scopes: Iterable[Scope]) -> str:
    """List scopes in their order, or ``none``."""
    return " ".join(scope.value for scope in Scope if scope in set(scopes)) or "none"
