"""What stages tell about themselves while they work."""

from collections.abc import Sequence
from typing import Protocol

from ingest.domain.parse_warning import ParseWarning
from ingest.domain.stage import Stage


class Measures(Protocol):
    """Takes measurements; must be cheap and must not fail."""

    def took(self, stage: Stage, seconds: float) -> None:
        """One document (at embedding: one batch) went through a stage."""
        ...

    def warned(self, warnings: Sequence[ParseWarning]) -> None:
        """One document was parsed, with these warnings, or none."""
        ...

    def stored(self, *, chunks: int, tokens: int, documents: int) -> None:
        """Chunks became durable, and documents were published with them."""
        ...


class Unmeasured:
    """Forgets every measurement."""

    def took(self, stage: Stage, seconds: float) -> None:
        """Forget it."""

    def warned(self, warnings: Sequence[ParseWarning]) -> None:
        """Forget it."""

    def stored(self, *, chunks: int, tokens: int, documents: int) -> None:
        """Forget it."""


UNMEASURED = Unmeasured()
