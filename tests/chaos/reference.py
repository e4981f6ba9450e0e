"""What documents should read like: a fresh ingest in one process, without Ray or a database."""

import asyncio
import base64
import hashlib
from collections.abc import Iterable, Sequence
from uuid import UUID

import httpx

from ingest.adapters.parsers.llamaparse.result import assemble
from ingest.adapters.splitters.structure import StructureSplitter
from ingest.app.pipeline.chunk import cut
from ingest.domain import media_type
from ingest.domain.document import ParsedDocument
from tests import samples
from tests.chaos.corpus import Item
from tests.chaos.evidence import Passage

_CHUNK_TOKENS, _OVERLAP_TOKENS = 512, 64
_TEXTS = 256


def read_all(items: Iterable[Item]) -> dict[str, list[Passage]]:
    """The passages of each content, by its digest; refused contents are left out."""
    return asyncio.run(_read_all({item.sha256: item for item in items if item.refusal is None}))


async def _read_all(items: dict[str, Item]) -> dict[str, list[Passage]]:
    splitter = StructureSplitter(max_tokens=_CHUNK_TOKENS, overlap_tokens=_OVERLAP_TOKENS)
    parser = samples.local_parser()
    try:
        found = {}
        for digest, item in items.items():
            if item.scanned_pages:
                parsed = _recognised(item.scanned_pages)
            else:
                kind = media_type.detect(item.content, filename=item.filename)
                parsed = await parser.parse(item.content, filename=item.filename, media_type=kind)
            found[digest] = _cut(parsed, splitter, item.filename)
        return found
    finally:
        await parser.close()


def _recognised(pages: int) -> ParsedDocument:
    """What the simulated provider sees on pages that are pictures."""
    texts = [
        (number, f"# Scanned page {number}\n\nThis is what the picture on page {number} says.")
        for number in range(1, pages + 1)
    ]
    return assemble(texts, parser="reference", max_pages=100, max_text_chars=100_000)


def _cut(parsed: ParsedDocument, splitter: StructureSplitter, filename: str) -> list[Passage]:
    return [
        Passage(
            chunk.char_start,
            chunk.char_end,
            chunk.page,
            chunk.heading_path,
            chunk.token_count,
            chunk.context,
            chunk.text,
            chunk.embedded_text,
        )
        for chunk in cut(parsed, UUID(int=0), splitter, filename=filename)
    ]


def embed_all(passages: Iterable[Sequence[Passage]], url: str) -> dict[str, bytes]:
    """float32 vectors by the digest of their texts, asked of a simulator without faults."""
    texts = {
        hashlib.sha256(passage.embedded_text.encode()).hexdigest(): passage.embedded_text
        for document in passages
        for passage in document
    }
    digests, vectors = list(texts), {}
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
        for start in range(0, len(digests), _TEXTS):
            some = digests[start : start + _TEXTS]
            asked = {
                "model": "text-embedding-3-small",
                "input": [texts[digest] for digest in some],
                "encoding_format": "base64",
            }
            headers = {"authorization": "Bearer sk-of-the-reference"}
            answer = client.post("/v1/embeddings", json=asked, headers=headers).raise_for_status()
            for entry in answer.json()["data"]:
                vectors[some[entry["index"]]] = base64.b64decode(entry["embedding"])
    return vectors
