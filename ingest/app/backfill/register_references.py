"""Making documents of objects, many at a time; the bytes of most are fetched by their jobs."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from ingest.app.intake.upload import Intake, UploadRequest
from ingest.domain.arrival import Accepted, Arrival
from ingest.domain.errors import (
    DocumentDeleted,
    DocumentRejected,
    IngestError,
    LimitReached,
    RequestRejected,
)
from ingest.domain.job import Lane
from ingest.domain.source_object import SourceObject

if TYPE_CHECKING:
    from ingest.adapters.postgres.documents.reference_store import ReferenceStore
    from ingest.adapters.sources import Objects


Became = Accepted | IngestError | None
"""What became of an object; None where it is a new document, which the inventory knows."""


class ReferenceRegistrar:
    """Makes documents of objects: of what every node can read, and of what was brought here."""

    def __init__(
        self,
        intake: Intake,
        references: "ReferenceStore",
        reader: "Objects",
        *,
        tenant_id: UUID,
        run: str,
        lane: Lane,
        restores_before: datetime,
    ) -> None:
        """Begin; see ``Registrar``."""
        self._intake = intake
        self._references = references
        self._reader = reader
        self._tenant_id = tenant_id
        self._run = run
        self._lane = lane
        self._restores_before = restores_before

    def request(self, found: SourceObject) -> UploadRequest:
        """What is said of an object, whenever its bytes are read."""
        return UploadRequest(
            tenant_id=self._tenant_id,
            filename=found.filename,
            correlation_id=self._run,
            external_id=found.uri,
            lane=self._lane,
            restores_before=self._restores_before,
        )

    def divide(
        self, objects: Iterable[SourceObject]
    ) -> tuple[list[SourceObject], list[SourceObject]]:
        """Objects that any node can read later and recognize then; and the others.

        What a listing says is empty is rather read at once: it may not know, and no job is made
        of what is empty.
        """
        can_wait: list[SourceObject] = []
        at_once: list[SourceObject] = []
        for found in objects:
            known_again = found.version and found.bytes_len > 0
            later = known_again and self._reader.is_shared(found.uri)
            (can_wait if later else at_once).append(found)
        return can_wait, at_once

    async def register_references(self, objects: Sequence[SourceObject]) -> list[Became]:
        """Register objects that can wait, all of different URIs.

        Returns:
            What became of each, in their order.

        Raises:
            LimitReached: the tenant may have no more jobs now; some may be registered.
            StoreUnavailable: the same.
        """
        arrivals: list[tuple[SourceObject, Arrival]] = []
        became: dict[str, Became] = {}
        for found in objects:
            try:
                arrival = self._intake.reference(self.request(found), bytes_len=found.bytes_len)
                arrivals.append((found, arrival))
            except (DocumentRejected, RequestRejected) as exc:
                became[found.uri] = exc
        for (found, _), ended in zip(arrivals, await self.insert(arrivals), strict=True):
            if isinstance(ended, LimitReached):
                raise ended
            became[found.uri] = ended
        return [became[found.uri] for found in objects]

    async def insert(self, arrivals: Sequence[tuple[SourceObject, Arrival]]) -> list[Became]:
        """Make documents, and their jobs, of objects, be their bytes kept or still to be fetched.

        From the first on for which the tenant may have no more jobs, none is made, and bytes that
        were kept are removed.

        Raises:
            StoreUnavailable: some may be registered; doing it again finds them.
        """
        if not arrivals:
            return []
        new = await self._references.insert(arrivals, blob_is_there=self._intake.has)
        became: list[Became] = []
        full: LimitReached | None = None
        for _, arrival in arrivals:
            if arrival.document_id in new:
                became.append(None)
                continue
            if full is None:
                try:
                    became.append(await self._intake.enqueue(arrival))
                    continue
                except DocumentDeleted as exc:
                    await self._intake.give_up(arrival)
                    became.append(exc)
                    continue
                except LimitReached as exc:
                    full = exc
            await self._intake.give_up(arrival)
            became.append(full)
        return became
