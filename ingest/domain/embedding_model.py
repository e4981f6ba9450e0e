"""The name of a vector space. It needs no numpy, so settings and light commands load it fast."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A vector space; vectors of different models are never compared."""

    name: str
    version: str
    dimension: int

    @property
    def label(self) -> str:
        """Name and version in one word."""
        return f"{self.name}@{self.version}"
