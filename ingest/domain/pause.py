"""Pauses: work that an operator has stopped for a while."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ingest.domain.job import Lane


class PauseKind(StrEnum):
    """The kind of work that a pause stops."""

    EVERYTHING = "everything"
    """No job is claimed."""
    TENANT = "tenant"
    """No job of one tenant is claimed."""
    LANE = "lane"
    """No job of one lane is claimed."""
    PROVIDER = "provider"
    """No new call to one provider is made; jobs that need one wait."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of an operator."""

    kind: PauseKind
    subject: str = ""
    """The tenant's id, the lane or the provider; empty for everything."""

    @property
    def label(self) -> str:
        """Describe the pause, e.g. ``provider openai``; it does not name a tenant."""
        if self.kind in {PauseKind.EVERYTHING, PauseKind.TENANT}:
            return self.kind.value
        return f"{self.kind.value} {self.subject}"


def claims_held_by(pauses: Iterable[Pause], *, tenant_id: UUID, lane: Lane) -> list[Pause]:
    """The pauses that stop the claims of a tenant's jobs in a lane."""
    stops = {
        Pause(PauseKind.EVERYTHING),
        Pause(PauseKind.TENANT, str(tenant_id)),
        Pause(PauseKind.LANE, lane.value),
    }
    return [pause for pause in pauses if pause in stops]


def calls_held_by(pauses: Iterable[Pause]) -> list[Pause]:
    """The pauses that stop calls to providers."""
    return [pause for pause in pauses if pause.kind is PauseKind.PROVIDER]
