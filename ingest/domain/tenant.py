"""Tenants and their names."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from ingest.domain.identity import tenant_id_of

MAX_NAME_CHARS = 255
_CLOSE_NAMES = 3


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant: its id, and its name where one is known."""

    tenant_id: UUID
    name: str | None

    @property
    def label(self) -> str:
        """The name for people; the id when there is no name."""
        return self.name or str(self.tenant_id)


class Names(dict[UUID, str]):
    """Names of tenants by id; tenants without a name are left out."""

    def label(self, tenant_id: UUID) -> str:
        """The name for people; the id when there is no name."""
        return self.get(tenant_id, str(tenant_id))


def tenant_called(text: str) -> Tenant:
    """Find the tenant that a text means; a UUID, or a text that cannot be a name, gives no name."""
    return Tenant(tenant_id_of(text), text if is_name(text) and not is_id(text) else None)


def is_name(text: str) -> bool:
    """Whether a text can be a tenant's name: 1 to MAX_NAME_CHARS printable characters."""
    return 0 < len(text) <= MAX_NAME_CHARS and text.isprintable()


def is_id(text: str) -> bool:
    """Whether a text is a UUID, in any notation."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def close_to(text: str, known: Iterable[str]) -> list[str]:
    """The known names that are most similar to a text, the most similar first."""
    by_lower = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(text.casefold(), by_lower, n=_CLOSE_NAMES)
    return [by_lower[name] for name in close]
