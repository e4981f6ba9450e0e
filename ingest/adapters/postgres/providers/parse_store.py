"""Parses at a provider: each content is begun once, submitted once, and ended once."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from ingest.adapters.postgres.documents.document_blobs import ensure_kept
from ingest.adapters.postgres.documents.document_store import DocumentStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.ledger_store import end_call
from ingest.adapters.postgres.statements import load
from ingest.domain.errors import IngestError, StoreUnavailable
from ingest.domain.pricing import CallState, Charge
from ingest.domain.remote_parse import ParseJob, ParseStatus, ParseWish, RemoteText

SQL = load("parse_jobs")
JOBS = load("upload_jobs")
LEDGER = load("provider_calls")
_TRIES = 3


def token_digest(token: str) -> bytes:
    """What is kept of the word in a webhook's address."""
    return hashlib.sha256(token.encode()).digest()


class ParseStore:
    """Rows of ``parse_jobs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, request: ParseWish, *, token: str, deadline: timedelta, submission: timedelta
    ) -> tuple[ParseJob, bool]:
        """Find or create the wanted parse; also returns whether the caller must submit it.

        Args:
            request: Which parse.
            token: The unguessable word in its webhook's address, should it be the caller's.
            deadline: When it is given up, should it be new.
            submission: How long the caller may take to submit it before it is another's.

        Raises:
            StoreUnavailable: others keep ending it at this moment.
        """
        digest = token_digest(token)
        for _ in range(_TRIES):
            async with self._database.connection() as connection:
                mine = await connection.fetchval(
                    SQL["begin_parse"],
                    uuid4(),
                    request.tenant_id,
                    request.file_sha256,
                    request.parser,
                    digest,
                    deadline,
                    submission,
                    request.source.pages,
                    request.source.chars,
                    request.source.most_pages,
                )
                row = await connection.fetchrow(
                    SQL["get_parse"], request.tenant_id, request.file_sha256, request.parser
                )
                if row is None:
                    continue
                job = _job(row)
                if job.outdated:
                    await connection.execute(SQL["forget_parse"], job.parse_job_id)
                    continue
                if mine is None and job.status is ParseStatus.SUBMITTING:
                    mine = await connection.fetchval(
                        SQL["take_over_parse"], job.parse_job_id, digest, submission
                    )
                return job, mine is not None
        raise StoreUnavailable("the same parse is being ended at this moment")

    async def sending(
        self, parse_job_id: UUID, token: str, call_id: UUID, fingerprint: str
    ) -> bool:
        """Note, before anything is sent, which call it is.

        Args:
            parse_job_id: The parse.
            token: The one it was begun with.
            call_id: In the ledger.
            fingerprint: Of the key.

        Returns:
            False when the parse is another's by now: nothing may be sent.
        """
        async with self._database.connection() as connection:
            noted = await connection.fetchval(
                SQL["sending_parse"], parse_job_id, token_digest(token), call_id, fingerprint
            )
        return noted is not None

    async def submitted(
        self,
        parse_job_id: UUID,
        call_id: UUID,
        fingerprint: str,
        provider_job_id: str,
        *,
        poll: timedelta,
        grace: timedelta,
    ) -> None:
        """Note the provider's name for the parse; its reservation lasts past its deadline."""
        async with self._database.transaction() as connection:
            deadline = await connection.fetchval(
                SQL["submitted_parse"], parse_job_id, call_id, fingerprint, provider_job_id, poll
            )
            if deadline is not None:
                await connection.execute(LEDGER["extend_call"], call_id, deadline + grace)

    async def drop(self, parse_job_id: UUID, token: str) -> None:
        """Forget a parse that could not be submitted, and let whoever waits for it try.

        One that is another's by now, begun with another token, stays.
        """
        async with self._database.transaction() as connection:
            await connection.execute(SQL["drop_parse"], parse_job_id, token_digest(token))
        await self.wake([parse_job_id])

    async def forget(self, parse_job_id: UUID) -> None:
        """Forget how a parse ended, so that it can be begun anew."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["forget_parse"], parse_job_id)

    async def due(self, *, limit: int, poll: timedelta) -> list[ParseJob]:
        """Parses to ask for now; nobody else gets them until ``poll`` has passed."""
        async with self._database.connection() as connection:
            return [_job(row) for row in await connection.fetch(SQL["due_parses"], limit, poll)]

    async def abandoned(self) -> list[UUID]:
        """Parses whose submission was begun and not finished."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["abandoned_parses"])
        return [row["parse_job_id"] for row in rows]

    async def complete(
        self,
        job: ParseJob,
        text: RemoteText,
        charge: Charge,
        *,
        key: str,
        digest: str,
        text_is_there: Callable[[str], Awaitable[bool]],
    ) -> bool:
        """A parse is over, its text stored; its call is settled with it.

        ``text_is_there`` is asked last, when no document can take the text with it.

        Returns:
            False when it was over or forgotten already; then nothing was written.

        Raises:
            StoreUnavailable: nothing was written; the parse is due again.
        """
        failed = {str(number): error for number, error in sorted(text.failed_pages.items())}
        async with self._database.transaction() as connection:
            done = await connection.fetchval(
                SQL["complete_parse"],
                job.parse_job_id,
                len(text.parsed.pages),
                failed,
                charge.units,
                key,
                digest,
            )
            await end_call(connection, job.call_id, CallState.SETTLED, charge)
            if done is not None:
                await ensure_kept(connection, [key], text_is_there)
        return done is not None

    async def discard_text(
        self, tenant_id: UUID, key: str, *, remove_blob: Callable[[str], Awaitable[None]]
    ) -> None:
        """Remove the text of a parse that was forgotten, if nothing else has it.

        Raises:
            StoreUnavailable: the text stays.
        """
        await DocumentStore(self._database).discard_blob(tenant_id, key, remove_blob=remove_blob)

    async def fail(
        self, job: ParseJob, error: IngestError, state: CallState, charge: Charge
    ) -> None:
        """A parse is over without a text that can be used; its call ends with it."""
        async with self._database.transaction() as connection:
            done = await connection.fetchval(
                SQL["fail_parse"], job.parse_job_id, error.code, error.message, charge.units
            )
            if done is not None:
                await end_call(connection, job.call_id, state, charge)

    async def wake(self, parse_job_ids: Sequence[UUID]) -> int:
        """Return to the queue the jobs that wait for these parses."""
        async with self._database.connection() as connection:
            return len(await connection.fetch(JOBS["wake_parsed"], parse_job_ids))


def _job(row: asyncpg.Record) -> ParseJob:
    fields: dict[str, Any] = dict(row)
    return ParseJob(**fields | {"status": ParseStatus(fields["status"])})
