"""Tenants, and what people call them."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from ingest.domain.identity import tenant_id_of

MAX_NAME_CHARS = 255
_CLOSE_NAMES = 3


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant by its id, and by its name where one is known."""

    tenant_id: UUID
    name: str | None

    @property
    def label(self) -> str:
        """What people read: the name, or the id."""
        return self.name or str(self.tenant_id)


class Names(dict[UUID, str]):
    """Names of tenants by their ids; those without a name are not in it."""

    def label(self, tenant_id: UUID) -> str:
        """What people read: the name, or the id."""
        return self.get(tenant_id, str(tenant_id))


def tenant_called(text: str) -> Tenant:
    """The tenant that a text means; without a name when the text is a UUID, or unfit for a name."""
    return Tenant(tenant_id_of(text), text if is_name(text) and not is_id(text) else None)


def is_name(text: str) -> bool:
    """Whether a tenant can be called this: 1 to MAX_NAME_CHARS characters that can be printed."""
    return 0 < len(text) <= MAX_NAME_CHARS and text.isprintable()


def is_id(text: str) -> bool:
    """Whether a text is a UUID, in any way to write one."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def close_to(text: str, known: Iterable[str]) -> list[str]:
    """The known names that are most like a text, the most alike first."""
    by_lower = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(text.casefold(), by_lower, n=_CLOSE_NAMES)
    return [by_lower[name] for name in close]
