"""Loads the models of a gateway process, and says what prevents it."""

import asyncio
from collections.abc import Sequence

import structlog

from ingest.app.providers.paid_embedder import PaidEmbedder
from ingest.app.providers.unpaid import UnpaidEmbedder
from ingest.domain.errors import IngestError

log = structlog.get_logger(module=__name__)


class LoadedModels:
    """Loads models beside the first requests rather than within the first search."""

    def __init__(self, embedders: Sequence[UnpaidEmbedder | PaidEmbedder]) -> None:
        """Load nothing yet."""
        self._embedders = embedders
        self._problem: str | None = None

    async def load(self) -> None:
        """Load every model that is not loaded; what fails is logged and kept as the problem."""
        try:
            for embedder in self._embedders:
                await asyncio.to_thread(embedder.warm)
        except IngestError as exc:
            log.error("embedder not loaded", reason=exc.message)
            self._problem = exc.message
        except Exception as exc:
            log.exception("embedder not loaded")
            self._problem = f"the embedder cannot be loaded ({type(exc).__name__})"
        else:
            self._problem = None

    async def problem(self) -> str | None:
        """What prevented the load; None when nothing did. After a failure, load again first."""
        if self._problem is not None:
            await self.load()
        return self._problem
