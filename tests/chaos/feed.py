"""Uploads documents over HTTP for as long as a run lasts, and remembers what was accepted."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx

from tests.chaos.corpus import Item, items

_TIMEOUT = httpx.Timeout(20, connect=2)
_AGAIN_SECONDS = 0.3
_LAST_SECONDS = 120.0
"""How long the last upload of a tenant may be repeated once the feed is over."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One that was answered with 2xx."""

    tenant_id: UUID
    document_id: UUID
    job_id: UUID
    generation: int
    item: Item
    tries: int
    """Requests that were needed."""
    sent_at: float
    """Of the request that was accepted; seconds since the epoch."""
    accepted_at: float


@dataclass
class Feed:
    """One thread for each tenant."""

    url: str
    keys: dict[UUID, str]
    """API key by tenant."""
    seed: int
    pause: float
    """Seconds between two uploads of a tenant."""
    uploads: list[Upload] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Answers that nothing explains."""
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        for number, (tenant_id, key) in enumerate(self.keys.items()):
            feed = items(f"{self.seed}-{number}")
            thread = threading.Thread(target=self._run, args=(tenant_id, key, feed))
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End, once the upload under way of each tenant is accepted."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, tenant_id: UUID, key: str, feed: Iterator[Item]) -> None:
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(
            base_url=self.url, headers=headers, timeout=_TIMEOUT, trust_env=False
        ) as client:
            for item in feed:
                self._hand_over(client, tenant_id, item)
                if self._over.wait(self.pause):
                    return

    def _hand_over(self, client: httpx.Client, tenant_id: UUID, item: Item) -> None:
        """Repeat one upload, as the same request, until it is accepted."""
        same, tries, deadline = {"idempotency-key": str(uuid4())}, 0, None
        while deadline is None or time.time() < deadline:
            if self._over.is_set() and deadline is None:
                deadline = time.time() + _LAST_SECONDS
            tries, sent_at = tries + 1, time.time()
            try:
                answer = client.post(
                    "/v1/documents",
                    params={"external_id": item.external_id, "filename": item.filename},
                    headers=same,
                    content=item.content,
                )
            except httpx.TransportError:
                self._over.wait(_AGAIN_SECONDS)
                continue
            if answer.is_success:
                self._remember(tenant_id, item, answer.json(), tries=tries, sent_at=sent_at)
                return
            if answer.status_code < 500:
                self.refused.append(f"{item.filename}: {answer.status_code} {answer.text[:200]}")
                return
            time.sleep(_AGAIN_SECONDS)
        self.refused.append(f"{item.filename}: not accepted in the end")

    def _remember(
        self, tenant_id: UUID, item: Item, body: dict[str, object], *, tries: int, sent_at: float
    ) -> None:
        self.uploads.append(
            Upload(
                tenant_id=tenant_id,
                document_id=UUID(str(body["document_id"])),
                job_id=UUID(str(body["job_id"])),
                generation=int(str(body["generation"])),
                item=item,
                tries=tries,
                sent_at=sent_at,
                accepted_at=time.time(),
            )
        )
