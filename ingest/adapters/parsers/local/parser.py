"""Implements Parser with a pool of sandboxes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from ingest.adapters.parsers.local.draft import LABEL
from ingest.adapters.parsers.local.ocr.ocr_options import OcrOptions
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.adapters.parsers.local.sandbox import ChildDied, Sandbox
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import ParserLimitExceeded, WorkerLost
from ingest.domain.media_type import MediaType

_TRIES = 2
"""A child may die of an earlier document's damage; twice in a row is the fault of this one."""
OVERTIME_SECONDS = 1.0
"""A longer parse no longer counts against the pool, so that it does not delay other documents."""


class _Slot:
    """A sandbox with the one thread that uses it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="parser")


class LocalParser:
    """Parses each document in a child process; a crash affects only that document."""

    def __init__(
        self,
        *,
        max_pages: int,
        max_text_chars: int,
        timeout: timedelta,
        memory_bytes: int,
        processes: int = 1,
        ocr: OcrOptions | None = None,
    ) -> None:
        """Prepare the pool; start no process yet.

        Args:
            max_pages: Most pages, slides or sheets of a document.
            max_text_chars: Most characters of a document's text.
            timeout: Time limit of one parse.
            memory_bytes: Most private writable memory of one child, libraries included.
            processes: Documents parsed at the same time; one more while a parse takes long.
            ocr: How text in pictures is recognized; the defaults when None.
        """
        self._memory_bytes = memory_bytes
        limits = ParserLimits(max_pages, max_text_chars, ocr or OcrOptions())
        self._slots = [
            _Slot(Sandbox(limits=limits, timeout=timeout, memory_bytes=memory_bytes))
            for _ in range(processes + 1)
        ]
        self._closed = False
        # Last in, first out: under low load only one child is started.
        self._free = asyncio.LifoQueue[_Slot]()
        *usual, self._spare = self._slots
        for slot in usual:
            self._free.put_nowait(slot)
        self._long: set[_Slot] = set()

    @property
    def label(self) -> str:
        """Name and version of the parser; part of the index version."""
        return LABEL

    @property
    def child_pids(self) -> tuple[int, ...]:
        """Process ids of the running children."""
        pids = (slot.sandbox.pid for slot in self._slots)
        return tuple(pid for pid in pids if pid is not None)

    async def start(self) -> None:
        """Start the children before the first document; this is optional.

        Raises:
            WorkerLost: a child did not become ready, or the parser is closed.
        """
        self._check_open()
        loop = asyncio.get_running_loop()
        try:
            await asyncio.gather(
                *(loop.run_in_executor(s.thread, s.sandbox.start) for s in self._slots[:-1])
            )
        except ChildDied:
            raise WorkerLost("the parser was closed while it started") from None

    async def parse(self, data: bytes, *, filename: str, media_type: MediaType) -> ParsedDocument:
        """See the port; cancelling kills the parse."""
        self._check_open()
        slot = await self._free.get()
        overtime = asyncio.get_running_loop().call_later(OVERTIME_SECONDS, self._lend, slot)
        try:
            return await self._parse_in(slot, data, filename)
        finally:
            overtime.cancel()
            self._give_back(slot)

    async def close(self) -> None:
        """End the children; parses that run or wait raise WorkerLost."""
        if self._closed:
            return
        self._closed = True
        # Kill all before waiting for one: else each would end its parse in turn.
        for slot in self._slots:
            slot.sandbox.kill()
        loop = asyncio.get_running_loop()
        for slot in self._slots:
            await loop.run_in_executor(slot.thread, slot.sandbox.stop)
            slot.thread.shutdown()

    def _lend(self, slot: _Slot) -> None:
        """Let another document start while one takes long."""
        self._long.add(slot)
        if len(self._long) == 1:
            self._free.put_nowait(self._spare)

    def _give_back(self, slot: _Slot) -> None:
        """Return a slot; when no parse takes long any more, one slot is spare and is stopped."""
        if slot in self._long:
            self._long.remove(slot)
            if not self._long and not self._closed:
                self._spare = slot
                slot.thread.submit(slot.sandbox.stop)  # an idle child would hold memory
                return
        self._free.put_nowait(slot)

    async def _parse_in(self, slot: _Slot, data: bytes, filename: str) -> ParsedDocument:
        """Parse; when the child dies, try once more on a new one: the old one may be the cause."""
        loop = asyncio.get_running_loop()
        endings: list[str] = []
        while len(endings) < _TRIES:
            self._check_open()
            # The slot's own thread, never the default pool: the child dies with the thread that
            # started it.
            parsing = loop.run_in_executor(slot.thread, slot.sandbox.parse, data, filename)
            try:
                # Shielded, because a thread cannot be cancelled: killing its child ends it.
                return await asyncio.shield(parsing)
            except ChildDied as exc:
                endings.append(str(exc))
            except asyncio.CancelledError:
                slot.sandbox.kill()
                slot.thread.submit(slot.sandbox.stop)
                raise
        raise ParserLimitExceeded(
            f"the document ended {_TRIES} parser processes ({', '.join(endings)}); "
            f"their memory limit is {self._memory_bytes} bytes"
        )

    def _check_open(self) -> None:
        if self._closed:
            raise WorkerLost("the parser is closed")
