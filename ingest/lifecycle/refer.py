"""Registering objects by where they are: their bytes are fetched when their jobs are worked on."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from ingest.domain.arrival import Accepted, Arrival
from ingest.domain.errors import DocumentRejected, RequestRejected
from ingest.domain.job import Lane
from ingest.domain.source import SourceObject
from ingest.lifecycle.accept import Intake, UploadRequest
from ingest.ports.sources import ObjectReader, References

Refused = DocumentRejected | RequestRejected


class Referrer:
    """Makes documents of objects that every node can read."""

    def __init__(
        self,
        intake: Intake,
        references: References,
        reader: ObjectReader,
        *,
        user_id: UUID,
        run: str,
        lane: Lane,
    ) -> None:
        """Put the referrer together; ``run`` names the backfill in the history of its jobs."""
        self._intake = intake
        self._references = references
        self._reader = reader
        self._user_id = user_id
        self._run = run
        self._lane = lane

    def request(self, found: SourceObject) -> UploadRequest:
        """What is said of an object, whenever its bytes are read."""
        return UploadRequest(
            user_id=self._user_id,
            filename=found.filename,
            correlation_id=self._run,
            external_id=found.uri,
            lane=self._lane,
        )

    def divide(
        self, objects: Iterable[SourceObject]
    ) -> tuple[list[SourceObject], list[SourceObject]]:
        """Objects that can be read later, by any node, and known again by then; and the others.

        What a listing says is empty is rather read at once: it may not know, and no job is made
        of what is empty.
        """
        can_wait: list[SourceObject] = []
        at_once: list[SourceObject] = []
        for found in objects:
            known_again = found.version and found.bytes_len > 0
            later = known_again and self._reader.is_remote(found.uri)
            (can_wait if later else at_once).append(found)
        return can_wait, at_once

    async def refer(
        self, objects: Sequence[SourceObject]
    ) -> tuple[list[SourceObject], list[tuple[SourceObject, Accepted | Refused]]]:
        """Register objects that can wait.

        Returns:
            Those that are new documents, which the inventory knows; and what became of the others.

        Raises:
            LimitReached: the tenant may have no more jobs now; some may be registered.
            StoreUnavailable: the same.
        """
        arrivals: list[tuple[SourceObject, Arrival]] = []
        others: list[tuple[SourceObject, Accepted | Refused]] = []
        for found in objects:
            try:
                arrival = self._intake.refer(self.request(found), bytes_len=found.bytes_len)
                arrivals.append((found, arrival))
            except (DocumentRejected, RequestRejected) as exc:
                others.append((found, exc))
        new: frozenset[UUID] = frozenset()
        if arrivals:
            new = await self._references.insert(arrivals)
        for found, arrival in arrivals:
            if arrival.document_id not in new:
                others.append((found, await self._intake.enqueue(arrival)))
        return [found for found, arrival in arrivals if arrival.document_id in new], others
