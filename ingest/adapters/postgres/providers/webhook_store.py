"""Deliveries of webhooks: whose they are, what they were taken for, each counted once."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.parse_store import token_digest
from ingest.adapters.postgres.statements import load
from ingest.domain.provider_specs import LLAMAPARSE
from ingest.domain.remote_parse import ParseStatus, WebhookVerdict

SQL = load("webhook_log")
PARSES = load("parse_jobs")


@dataclass(frozen=True, slots=True)
class Addressee:
    """The parse that a webhook's address belongs to."""

    parse_job_id: UUID
    status: ParseStatus
    provider_job_id: str | None


class WebhookStore:
    """Rows of ``webhook_log``, and what they change in ``parse_jobs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def addressee(self, token: str) -> Addressee | None:
        """The parse that this word in the address belongs to."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(PARSES["find_parse_by_token"], token_digest(token))
        return Addressee(**dict(row) | {"status": ParseStatus(row["status"])}) if row else None

    async def accept(
        self, addressee: Addressee, event: str, *, body_sha256: bytes, source: str
    ) -> WebhookVerdict:
        """Take a true delivery in: the first of its event makes the parse due, if it is not over.

        Args:
            addressee: Whom it was sent to.
            event: What it says happened.
            body_sha256: Digest of the body.
            source: Address of the sender.

        Returns:
            ACCEPTED, DUPLICATE or LATE.
        """
        verdict = WebhookVerdict.ACCEPTED
        if addressee.status not in {ParseStatus.SUBMITTING, ParseStatus.SUBMITTED}:
            verdict = WebhookVerdict.LATE
        parse = addressee.parse_job_id
        delivery = f"{parse}:{event}" if verdict is WebhookVerdict.ACCEPTED else str(uuid4())
        async with self._database.transaction() as connection:
            new = await connection.fetchval(
                SQL["log_delivery"],
                delivery,
                LLAMAPARSE.name,
                body_sha256,
                verdict,
                source,
                parse,
            )
            if new is not None:
                if verdict is WebhookVerdict.ACCEPTED:
                    await connection.execute(PARSES["report_parse"], parse)
                return verdict
        await self.refuse(
            addressee, WebhookVerdict.DUPLICATE, body_sha256=body_sha256, source=source
        )
        return WebhookVerdict.DUPLICATE

    async def refuse(
        self, addressee: Addressee, verdict: WebhookVerdict, *, body_sha256: bytes, source: str
    ) -> None:
        """Keep a delivery that changes nothing."""
        async with self._database.connection() as connection:
            await connection.execute(
                SQL["log_delivery"],
                str(uuid4()),
                LLAMAPARSE.name,
                body_sha256,
                verdict,
                source,
                addressee.parse_job_id,
            )
