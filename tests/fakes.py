"""Fakes of the ports of embedders and parsers, for tests whose subject is who calls them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from ingest.domain.document import Page, ParsedDocument
from ingest.domain.embedding import EmbeddingModel, Vectors
from ingest.domain.errors import InputRefused, LeaseLost
from ingest.domain.media_type import MediaType
from ingest.domain.parse_warning import ParseWarning
from ingest.domain.pricing import Payer

Parse = Callable[[bytes], Awaitable[str]]
Refuse = Callable[[Sequence[str]], Exception | None]
MakeVectors = Callable[[Sequence[str], int], Vectors]
"""Of texts, and of the number of all texts that were embedded so far, these included."""


async def decode(data: bytes) -> str:
    """Bytes as the text that they are."""
    return data.decode()


class FakeParser:
    """A ParsesForPayer: reads bytes as text, by a function of the test's."""

    label = "test/1"

    def __init__(self, read: Parse = decode) -> None:
        self.read = read
        self.parsed: list[bytes] = []
        self.payers: set[Payer] = set()
        self.warnings: tuple[ParseWarning, ...] = ()
        """Of each document."""

    async def parse(
        self,
        data: bytes,
        *,
        filename: str,
        media_type: MediaType,
        payer: Payer,
    ) -> ParsedDocument:
        self.payers.add(payer)
        self.parsed.append(data)
        text = await self.read(data)
        return ParsedDocument(text, (Page(1, 0, len(text)),), (), self.label, self.warnings)


def lengths_and_places(texts: Sequence[str], _: int) -> Vectors:
    """Of two dimensions: a text's length, and its place in its call."""
    return np.array([[len(text), place] for place, text in enumerate(texts)], dtype=np.float32)


class FakeEmbedder:
    """An Embedder and an EmbedsForPayer that notes what it is asked and refuses what it is told."""

    def __init__(
        self,
        model: EmbeddingModel,
        *,
        vectors: MakeVectors = lengths_and_places,
        refuse: Refuse = lambda _: None,
        counted: bool = False,
    ) -> None:
        """Embed with these vectors; ``counted``: callers must say how many tokens texts have."""
        self.model = model
        self.payers: set[Payer | None] = set()
        self.calls: list[list[str]] = []
        """The texts of each call, refused ones included."""
        self.embedded: list[str] = []
        self.errors: list[Exception] = []
        """The next calls end with these."""
        self.has_failed = asyncio.Event()
        self.refuses: set[str] = set()
        """Texts that no call may hold."""
        self.before_calls: Callable[[], None] = lambda: None
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        """Happens once, while texts are embedded."""
        self._vectors = vectors
        self._refuse = refuse
        self._counted = counted

    async def embed(
        self,
        texts: Sequence[str],
        *,
        payer: Payer | None = None,
        tokens: Sequence[int] | None = None,
        wanted: Callable[[], Awaitable[bool]] | None = None,
    ) -> Vectors:
        assert tokens is not None or not self._counted
        self.before_calls()
        if wanted is not None and not await wanted():
            raise LeaseLost
        self.calls.append(list(texts))
        self.payers.add(payer)
        if self.errors:
            self.has_failed.set()
            raise self.errors.pop(0)
        if self.refuses & set(texts):
            raise InputRefused("it holds something that is not allowed")
        if error := self._refuse(texts):
            raise error
        self.embedded += texts
        if self.meanwhile is not None:
            again, self.meanwhile = self.meanwhile, None
            await again()
        return self._vectors(texts, len(self.embedded))

    def warm(self) -> None:
        """There is nothing to load."""

    async def close(self) -> None:
        """There is nothing to release."""
