"""Who calls, and what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ingest.domain.errors import Forbidden


class Scope(StrEnum):
    """What a caller may do; none includes another."""

    READ = "read"
    """Read documents, jobs, chunks and costs of the tenant, and search."""
    WRITE = "write"
    """Upload, delete, cancel and retry."""
    ADMIN = "admin"
    """What touches more than the tenant's own documents."""
    WEBHOOK = "webhook"
    """Tell that a parse is over. The word in the webhook's address grants it; no key carries it."""


KEY_SCOPES = (Scope.READ, Scope.WRITE, Scope.ADMIN)
"""What a key can carry."""
DEFAULT_SCOPES = frozenset({Scope.READ, Scope.WRITE})
ALL_SCOPES = frozenset(KEY_SCOPES)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is, and what that one may do."""

    tenant_id: UUID
    scopes: frozenset[Scope]
    tenant_name: str | None = None
    """What the tenant is called, where the caller's credentials say so."""

    def ensure(self, needed: Scope) -> None:
        """Let the caller on.

        Raises:
            Forbidden: the scope is missing.
        """
        if needed not in self.scopes:
            there = in_words(self.scopes)
            raise Forbidden(f"this needs the scope {needed.value!r}; the caller has {there}")


def in_words(scopes: Iterable[Scope]) -> str:
    """Scopes in their order, or that there are none."""
    return " ".join(scope.value for scope in Scope if scope in set(scopes)) or "none"
