"""OpenAI's Batch API: a file of requests, answered within a day at half the price."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import IO, Any, Literal
from uuid import UUID

import openai
import structlog
from openai.types import Batch

from ingest.adapters.embedders.openai.clients import Clients
from ingest.adapters.embedders.openai.decode_vectors import decode
from ingest.adapters.embedders.openai.error_mapping import CONTENT_STATUSES, understand
from ingest.domain.batch_api import Page, ProviderBatch, RemoteBatch, RemoteBatchState, TextResult
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import IngestError, InputRefused, InvalidVector, ProviderUnavailable
from ingest.domain.pricing import CallState
from ingest.domain.provider import CallFailed, ProviderKey
from ingest.domain.provider_specs import OPENAI

log = structlog.get_logger(module=__name__)
_ENDPOINT: Literal["/v1/embeddings"] = "/v1/embeddings"
_MARK = "ingest_batch"
_FILE_SECONDS = 14 * 86_400
"""Life of uploaded files at OpenAI: a batch ends within a day, the rest is for late polls."""
_RESULTS = 200
_STATES = {"failed": RemoteBatchState.REFUSED} | dict.fromkeys(
    ("completed", "expired", "cancelled"), RemoteBatchState.OVER
)


def line_of(digest: bytes, text: str, model: EmbeddingModel) -> bytes:
    """Write the line of a batch file that asks for the vector of one text."""
    body = {
        "model": model.name,
        "input": text,
        "dimensions": model.dimension,
        "encoding_format": "base64",
    }
    request = {"custom_id": digest.hex(), "method": "POST", "url": _ENDPOINT, "body": body}
    return json.dumps(request, ensure_ascii=False).encode() + b"\n"


class OpenAIBatches:
    """Implements BatchService with the official SDK, whose own retries are off."""

    provider = OPENAI.name

    def __init__(self, *, base_url: str | None = None, timeout_seconds: float = 600.0) -> None:
        """Prepare, without connecting; the time-out allows for files of 200 MB."""
        self._clients = Clients(base_url=base_url, timeout_seconds=timeout_seconds, connections=8)

    async def submit(
        self, batch: ProviderBatch, pages: AsyncIterator[Page], *, key: ProviderKey, call_id: UUID
    ) -> str:
        """See the port; writes the file, uploads it, and has it worked on."""
        client = self._clients.of(key)
        with tempfile.TemporaryFile(prefix="ingest-batch-") as file:
            async for page in pages:
                await asyncio.to_thread(_write, file, page, batch.model)
            file.seek(0)
            try:
                uploaded = await client.files.create(
                    file=(f"{batch.batch_id}.jsonl", file),
                    purpose="batch",
                    expires_after={"anchor": "created_at", "seconds": _FILE_SECONDS},
                )
            except openai.OpenAIError as exc:
                raise understand(exc).released() from exc  # a file without a batch costs nothing
        try:
            made = await client.batches.create(
                input_file_id=uploaded.id,
                endpoint=_ENDPOINT,
                completion_window="24h",
                metadata={_MARK: str(batch.batch_id)},
                extra_headers={"X-Client-Request-Id": str(call_id)},
            )
        except openai.OpenAIError as exc:
            failed = understand(exc)
            if failed.state is not CallState.UNKNOWN:
                raise failed from exc
            raise CallFailed(  # ``find`` looks for it before it is submitted again
                failed.error, failed.report, state=CallState.RESERVED, charge=failed.charge
            ) from exc
        return made.id

    async def find(self, batch_id: UUID, *, since: datetime, key: ProviderKey) -> str | None:
        """See the port; looks through the newest batches for the mark."""
        try:
            async for made in self._clients.of(key).batches.list(limit=100):
                if made.created_at < since.timestamp():
                    break
                if (made.metadata or {}).get(_MARK) == str(batch_id):
                    return made.id
        except openai.OpenAIError as exc:
            raise understand(exc) from exc
        return None

    async def poll(self, remote_id: str, *, key: ProviderKey) -> RemoteBatch:
        """See the port."""
        try:
            return _remote_batch(await self._clients.of(key).batches.retrieve(remote_id))
        except openai.NotFoundError:
            return RemoteBatch(remote_id, RemoteBatchState.GONE, "gone")
        except openai.OpenAIError as exc:
            raise understand(exc) from exc

    async def results(
        self, remote: RemoteBatch, model: EmbeddingModel, *, key: ProviderKey
    ) -> AsyncIterator[list[TextResult]]:
        """See the port; the files come in no order."""
        for name in remote.files:
            lines: list[str] = []
            try:
                files = self._clients.of(key).files.with_streaming_response
                async with files.content(name) as answer:
                    async for line in answer.iter_lines():
                        lines.append(line)
                        if len(lines) == _RESULTS:
                            yield await asyncio.to_thread(understood, lines, model)
                            lines = []
            except openai.NotFoundError:
                log.warning("file of results is gone", file=name, batch=remote.remote_id)
                continue
            except openai.OpenAIError as exc:
                raise understand(exc) from exc
            if lines:
                yield await asyncio.to_thread(understood, lines, model)

    async def cancel(self, remote_id: str, *, key: ProviderKey) -> None:
        """See the port."""
        try:
            await self._clients.of(key).batches.cancel(remote_id)
        except openai.OpenAIError as exc:
            raise understand(exc) from exc

    async def tidy(self, remote: RemoteBatch, *, key: ProviderKey) -> None:
        """See the port; files that stay expire by themselves."""
        for name in (remote.input_file, *remote.files):
            if name is None:
                continue
            try:
                await self._clients.of(key).files.delete(name)
            except openai.OpenAIError as exc:
                log.warning("file not removed", file=name, reason=type(exc).__name__)

    async def close(self) -> None:
        """Close the connections."""
        await self._clients.close()


def _write(file: IO[bytes], page: Page, model: EmbeddingModel) -> None:
    file.writelines(line_of(digest, text, model) for digest, text in page)


def _remote_batch(made: Batch) -> RemoteBatch:
    errors = (made.errors.data if made.errors else None) or []
    code = errors[0].code if errors else None
    state = _STATES.get(made.status, RemoteBatchState.RUNNING)
    if state is RemoteBatchState.REFUSED and code == "token_limit_exceeded":
        state = RemoteBatchState.QUEUE_FULL
    return RemoteBatch(
        made.id,
        state,
        made.status,
        tuple(name for name in (made.output_file_id, made.error_file_id) if name),
        made.input_file_id,
        made.request_counts.completed if made.request_counts else 0,
        code,
    )


def understood(lines: Sequence[str], model: EmbeddingModel) -> list[TextResult]:
    """Read the results of lines; a line that cannot be read counts as missing."""
    results: list[TextResult] = []
    for line in lines:
        try:
            answer = json.loads(line)
            digest = bytes.fromhex(answer["custom_id"])
            results.append(_result(digest, answer.get("response"), answer.get("error"), model))
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            if line.strip():
                log.warning("line of a batch is not understood", reason=type(exc).__name__)
    return results


def _result(digest: bytes, response: Any, error: Any, model: EmbeddingModel) -> TextResult:
    if response is None:
        code = (error or {}).get("code") or "no_answer"
        return TextResult(
            digest, None, ProviderUnavailable(f"OpenAI did not process the text ({code})")
        )
    status, body = int(response["status_code"]), response["body"]
    if status != 200:
        return TextResult(digest, None, _failure(status, body))
    try:
        vectors, tokens = decode(body, 1, model)
    except InvalidVector as exc:
        used = int(body["usage"]["prompt_tokens"])
        return TextResult(digest, None, ProviderUnavailable(exc.message), used)
    return TextResult(digest, vectors[0], None, tokens)


def _failure(status: int, body: Any) -> IngestError:
    """Map the error of a line. OpenAI's message may quote the content, so it is left out."""
    failure = body.get("error") if isinstance(body, dict) else None
    code = (failure or {}).get("code") or f"http_{status}"
    if status in CONTENT_STATUSES:
        return InputRefused(f"OpenAI refused a text (HTTP {status}, {code})")
    return ProviderUnavailable(f"OpenAI failed with HTTP {status} ({code})")
