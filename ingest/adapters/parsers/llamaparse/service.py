"""Calls LlamaParse: submits, finds, polls, fetches and cancels parses."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import httpx
import llama_cloud
from llama_cloud import AsyncLlamaCloud

from ingest.adapters.parsers.llamaparse.error_mapping import job_failure, lost, understood
from ingest.adapters.parsers.llamaparse.result import assemble
from ingest.domain.media_type import EXTENSIONS
from ingest.domain.provider import CallFailed, ProviderKey
from ingest.domain.provider_specs import LLAMAPARSE
from ingest.domain.remote_parse import (
    ParseOrder,
    RemoteParseState,
    RemoteStatus,
    RemoteText,
    SourceFile,
)

_PAGE = 100
_OURS = "ingest_parse_job"
_STATES = {
    "COMPLETED": RemoteParseState.COMPLETED,
    "FAILED": RemoteParseState.FAILED,
    "CANCELLED": RemoteParseState.CANCELLED,
}


class LlamaParse:
    """Implements ParseService with the official SDK, whose own retries are off."""

    provider = LLAMAPARSE.name
    reads = LLAMAPARSE.reads

    def __init__(
        self,
        *,
        version: str,
        options: dict[str, Any],
        base_url: str | None,
        timeout_seconds: float,
        webhook_secret: str | None,
        max_pages: int,
        max_text_chars: int,
    ) -> None:
        """Prepare the service, without connecting.

        Args:
            version: Version of the tier; ``latest`` or a date.
            options: Additional fields of the request, which the service documents.
            base_url: URL of another region.
            timeout_seconds: Time-out of a request.
            webhook_secret: Secret that signs webhooks.
            max_pages: Most pages of a result.
            max_text_chars: Most characters of a result.
        """
        self._version = version
        self._options = options
        self._base_url = base_url
        self._timeout = httpx.Timeout(timeout_seconds, connect=5.0)
        self._webhook_secret = webhook_secret
        self._limits = {"max_pages": max_pages, "max_text_chars": max_text_chars}
        self._clients: dict[str, AsyncLlamaCloud] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def submit(self, file: SourceFile, order: ParseOrder, *, key: ProviderKey) -> str:
        """See the port."""
        client = self._client(key)
        try:
            with understood():
                kept = await client.files.create(
                    file=(_named(file), file.data, file.media_type), purpose="parse"
                )
        except CallFailed as exc:
            raise exc.released() from exc
        hooks: dict[str, Any] = {}
        if order.webhook_url is not None:
            hook: dict[str, Any] = {
                "webhook_url": order.webhook_url,
                "webhook_events": ["parse.success", "parse.error", "parse.partial_success"],
                "webhook_output_format": "json",
            }
            if self._webhook_secret is not None:
                hook["webhook_signing_secret"] = self._webhook_secret
            hooks = {"webhook_configurations": [hook]}
        with understood():
            created = await client.parsing.create(
                file_id=kept.id,
                tier=order.tier,
                version=self._version,
                page_ranges={"max_pages": order.most_pages},
                user_metadata={_OURS: str(order.parse_job_id)},
                extra_body=self._options or None,
                **hooks,
            )
        if not created.id:
            raise lost("LlamaParse's answer has no job id")
        return created.id

    async def find(self, order: ParseOrder, *, since: datetime, key: ProviderKey) -> str | None:
        """See the port."""
        with understood():
            page = await self._client(key).parsing.list(
                created_at_on_or_after=since, page_size=_PAGE
            )
            async for job in page:
                if (job.user_metadata or {}).get(_OURS) == str(order.parse_job_id):
                    return job.id
        return None

    async def statuses(
        self, provider_job_ids: Sequence[str], *, key: ProviderKey
    ) -> dict[str, RemoteStatus]:
        """See the port."""
        found: dict[str, RemoteStatus] = {}
        with understood():
            page = await self._client(key).parsing.list(
                job_ids=list(provider_job_ids), page_size=_PAGE
            )
            async for job in page:
                found[job.id] = _status(job)
        missing = RemoteStatus(RemoteParseState.MISSING)
        return {job_id: found.get(job_id, missing) for job_id in provider_job_ids}

    async def fetch(self, provider_job_id: str, *, parser: str, key: ProviderKey) -> RemoteText:
        """See the port."""
        client = self._client(key)
        with understood():
            try:
                result = await client.parsing.get(provider_job_id, expand=["markdown"])
            except llama_cloud.BadRequestError:  # the fast tier may have no Markdown
                result = await client.parsing.get(provider_job_id, expand=["text"])
        try:
            return await asyncio.to_thread(self._assemble, result, parser)
        except (AttributeError, TypeError) as exc:
            raise lost("LlamaParse's answer is incomplete") from exc

    async def cancel(self, provider_job_id: str, *, key: ProviderKey) -> bool:
        """See the port."""
        with understood():
            job = await self._client(key).parsing.cancel(provider_job_id)
        return str(job.status) == "CANCELLED"

    async def check(self, *, key: ProviderKey) -> None:
        """Make a free request, to check that the key is accepted.

        Raises:
            CallFailed: the key is refused, or the service does not answer.
        """
        with understood():
            await self._client(key).parsing.list(page_size=1)

    async def close(self) -> None:
        """Close the connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()

    def _client(self, key: ProviderKey) -> AsyncLlamaCloud:
        """The client of a key in the running loop, because a connection belongs to its loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._clients, self._loop = {}, loop
        if key.fingerprint not in self._clients:
            self._clients[key.fingerprint] = AsyncLlamaCloud(
                api_key=key.secret, base_url=self._base_url, max_retries=0, timeout=self._timeout
            )
        return self._clients[key.fingerprint]

    def _assemble(self, result: Any, parser: str) -> RemoteText:
        """Use Markdown where it exists, and plain text for tiers without it."""
        if result.markdown is not None:
            pages = result.markdown.pages
            texts = {p.page_number: p.markdown for p in pages if getattr(p, "success", True)}
        else:
            pages = result.text.pages
            texts = {p.page_number: p.text for p in pages}
        failed = {p.page_number: str(p.error) for p in pages if p.page_number not in texts}
        parsed = assemble(texts.items(), failed_pages=failed, parser=parser, **self._limits)
        longest = max((len(text.encode()) for text in texts.values()), default=0)
        return RemoteText(parsed, failed, longest, _credits(result.job))


def _status(job: Any) -> RemoteStatus:
    state = _STATES.get(str(job.status), RemoteParseState.RUNNING)
    if state is not RemoteParseState.FAILED:
        return RemoteStatus(state, _credits(job))
    error = job_failure(job.error_message)
    return RemoteStatus(state, _credits(job), error.code, error.message)


def _credits(job: Any) -> int | None:
    charged = job.usage.credits if job.usage is not None else None
    return None if charged is None else round(charged)


def _named(file: SourceFile) -> str:
    """The filename, with an extension that fits the media type."""
    if EXTENSIONS.get(PurePosixPath(file.filename).suffix.lower()) == file.media_type:
        return file.filename
    extension = next(e for e, media_type in EXTENSIONS.items() if media_type == file.media_type)
    return file.filename + extension
