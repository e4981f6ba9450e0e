"""Delivers webhooks: signed, tried three times, and unreliable by option."""

import asyncio
import hashlib
import hmac
import json
import random
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx

from ingest.sim.llamaparse.parse_service import Job

ATTEMPTS = 3
_PAUSES = (1.0, 2.0)
_EVENTS = {"COMPLETED": "parse.success", "FAILED": "parse.error", "CANCELLED": "parse.cancelled"}


@dataclass(frozen=True, slots=True)
class Habits:
    """Faults of deliveries; rates are shares of events."""

    drop: float = 0.0
    duplicate: int = 0
    """Additional deliveries of each event."""
    delay: float = 0.0
    """Most seconds of delay; the delay is random, so events overtake each other."""
    early: bool = False
    """Success is delivered before the creation of the job is answered."""
    forge: bool = False
    """Each event comes with two forged ones: a wrong signature, and an unknown job."""
    scale: float = 1.0
    """Factor on the pauses between attempts."""


class Courier:
    """Delivers webhooks to clients."""

    def __init__(self, habits: Habits, counts: Counter[str], seed: int) -> None:
        self._habits = habits
        self.counts = counts
        self._dice = random.Random(seed)  # noqa: S311
        self._client = httpx.AsyncClient(timeout=30, trust_env=False)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def early(self) -> bool:
        """Whether success is delivered before the creation is answered."""
        return self._habits.early

    def announce(self, job: Job, status: str) -> None:
        """Deliver an event to the URLs of the job."""
        event = _EVENTS.get(status)
        if event == "parse.success" and job.failed_pages:
            event = "parse.partial_success"
        for configuration in job.webhooks:
            wanted = configuration.get("webhook_events")
            if event and (not wanted or event in wanted):
                task = asyncio.create_task(self._deliver(job.job_id, event, configuration))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(self, job_id: str, event: str, configuration: dict[str, Any]) -> None:
        self.counts["webhooks_sent"] += 1
        if self._dice.random() < self._habits.drop:
            self.counts["webhooks_dropped"] += 1
            return
        if self._habits.forge:
            await self._send(f"pjb-{uuid.uuid4().hex[:24]}", event, configuration)
            await self._send(job_id, event, configuration, secret="wrong")  # noqa: S106
        for _ in range(1 + self._habits.duplicate):
            if self._habits.delay:
                await asyncio.sleep(self._dice.random() * self._habits.delay)
            await self._send(job_id, event, configuration)

    async def _send(
        self, job_id: str, event: str, configuration: dict[str, Any], *, secret: str | None = None
    ) -> None:
        event_id = str(uuid.uuid4())
        data = {"id": job_id, "job_id": job_id}
        content: Any = {
            "event_id": event_id,
            "event_type": event,
            "timestamp": asyncio.get_running_loop().time(),
            "data": data,
        }
        if configuration.get("webhook_output_format", "string") != "json":
            content = json.dumps(content)
        body = json.dumps(content).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "llamaindex-webhook-service/1.0",
            "X-Webhook-Event-ID": event_id,
            "X-Webhook-Event-Type": event,
            **(configuration.get("webhook_headers") or {}),
        }
        if key := secret or configuration.get("webhook_signing_secret"):
            digest = hmac.new(str(key).encode(), body, hashlib.sha256).hexdigest()
            headers["LC-Signature"] = f"sha256={digest}"
        for attempt in range(ATTEMPTS):
            self.counts["webhooks_attempts"] += 1
            try:
                answer = await self._client.post(
                    configuration["webhook_url"], content=body, headers=headers
                )
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.is_success:
                self.counts["webhooks_acknowledged"] += 1
                return
            if attempt < ATTEMPTS - 1:
                await asyncio.sleep(_PAUSES[attempt] * self._habits.scale)
