"""The Parser port over a few sandboxes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from ingest.adapters.parsers.local.draft import LABEL
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.adapters.parsers.local.sandbox import ChildDied, Sandbox
from ingest.domain.document import MediaType, ParsedDocument
from ingest.domain.errors import ParserLimitExceeded, WorkerLost

_TRIES = 2
OVERTIME_SECONDS = 1.0
"""A parse that takes longer is beside the others from then on, and holds none of them up."""


class _Slot:
    """A sandbox with the one thread that talks to it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="parser")


class LocalParser:
    """Parses each document in a child process, which costs that document alone when it dies."""

    def __init__(
        self,
        *,
        max_pages: int,
        max_text_chars: int,
        timeout: timedelta,
        memory_bytes: int,
        processes: int = 1,
    ) -> None:
        """Prepare, without starting anything.

        Args:
            max_pages: Most pages, slides or sheets of a document.
            max_text_chars: Most characters of a document's text.
            timeout: Longest parse of one document.
            memory_bytes: Most private writable memory of one child, libraries included.
            processes: Documents parsed at the same time; one more while a parse takes long.
        """
        self._memory_bytes = memory_bytes
        limits = ParserLimits(max_pages, max_text_chars)
        self._slots = [
            _Slot(Sandbox(limits=limits, timeout=timeout, memory_bytes=memory_bytes))
            for _ in range(processes + 1)
        ]
        self._closed = False
        # Last in, first out: what one child can do keeps the others unstarted.
        self._free = asyncio.LifoQueue[_Slot]()
        *usual, self._spare = self._slots
        for slot in usual:
            self._free.put_nowait(slot)
        self._long: set[_Slot] = set()

    @property
    def label(self) -> str:
        """Name and version; part of the index version."""
        return LABEL

    @property
    def child_pids(self) -> tuple[int, ...]:
        """Process ids of the children that run now."""
        pids = (slot.sandbox.pid for slot in self._slots)
        return tuple(pid for pid in pids if pid is not None)

    async def start(self) -> None:
        """Start the children ahead of the first document; optional.

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
        """End the children; parses under way or waiting raise WorkerLost."""
        if self._closed:
            return
        self._closed = True
        for slot in self._slots:
            slot.sandbox.kill()
        loop = asyncio.get_running_loop()
        for slot in self._slots:
            await loop.run_in_executor(slot.thread, slot.sandbox.stop)
            slot.thread.shutdown()

    def _lend(self, slot: _Slot) -> None:
        """Let another document go on while one takes long."""
        self._long.add(slot)
        if len(self._long) == 1:
            self._free.put_nowait(self._spare)

    def _give_back(self, slot: _Slot) -> None:
        """The slot is free; after the last parse that took long, it is the spare one."""
        if slot in self._long:
            self._long.remove(slot)
            if not self._long and not self._closed:
                self._spare = slot
                slot.thread.submit(slot.sandbox.stop)  # it holds memory for nothing
                return
        self._free.put_nowait(slot)

    async def _parse_in(self, slot: _Slot, data: bytes, filename: str) -> ParsedDocument:
        """Parse, once more on a new child when the first one died: that may have been chance."""
        loop = asyncio.get_running_loop()
        endings: list[str] = []
        while len(endings) < _TRIES:
            self._check_open()
            parsing = loop.run_in_executor(slot.thread, slot.sandbox.parse, data, filename)
            try:
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
