"""Shows the progress of an upload: bars in a terminal, else a line every few seconds."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from ingest.cli.output import console, duration, plural, say, size
from ingest.cli.render import pause_text
from ingest.cli.uploads.counters import TransferRate, UploadCounters

_FILE_WEIGHT = 64 * 1024
"""In the bar and the ETA, one file counts as many bytes as are sent in the time of a round trip."""
_QUIET_SECONDS = 30.0
_LINE_SECONDS = 5.0
"""Seconds between two lines without a terminal; a pause is shown at once."""
_RESUMED = "resumed"
_NOBODY_WORKS = "nothing finished for 30 s; 'ingest status' shows whether a worker runs"


class _View(Protocol):
    interval: float
    """Seconds between two updates."""

    def update(self) -> None: ...

    def close(self) -> None: ...


@asynccontextmanager
async def shown(counters: UploadCounters, *, jobs: bool) -> AsyncIterator[None]:
    """Show counters on standard error for as long as the context lasts.

    Args:
        counters: The counters to show.
        jobs: Whether to show the progress of the jobs as well.
    """
    screen = console(err=True)
    figures = _Figures(counters, jobs=jobs)
    view: _View = _Bars(figures, screen) if screen.is_terminal else _Lines(figures)
    ticking = asyncio.create_task(_tick(view))
    try:
        yield
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        view.close()


async def _tick(view: _View) -> None:
    while True:
        view.update()
        await asyncio.sleep(view.interval)


class _Figures:
    """The counters of an upload, with speeds computed from them."""

    def __init__(self, counters: UploadCounters, *, jobs: bool) -> None:
        self.counters = counters
        self.jobs = jobs
        self._files, self._bytes, self._weight, self._ended = (
            TransferRate(),
            TransferRate(),
            TransferRate(),
            TransferRate(),
        )
        self._last_end = 0.0
        self._ends_seen = 0

    def measure(self) -> None:
        self._files.mark(self.counters.ended)
        self._bytes.mark(self.counters.sent_bytes)
        self._weight.mark(self.weight)
        self._ended.mark(self.counters.jobs_ended)
        if (
            self.counters.jobs_ended != self._ends_seen
            or not self.counters.jobs
            or self.counters.paused
        ):
            self._ends_seen, self._last_end = self.counters.jobs_ended, self.counters.seconds

    @property
    def weight(self) -> int:
        return self.counters.sent_bytes + self.counters.ended * _FILE_WEIGHT

    @property
    def full_weight(self) -> int:
        return self.counters.bytes_len + self.counters.files * _FILE_WEIGHT

    @property
    def stalled(self) -> bool:
        return self.jobs and self.counters.seconds - self._last_end > _QUIET_SECONDS

    def upload_text(self) -> str:
        counters = self.counters
        speed = f"{self._files.per_second:.0f}/s {size(self._bytes.per_second)}/s"
        if counters.uploaded_seconds is not None:
            took = duration(counters.uploaded_seconds)
            return f"{counters.ended:,}/{counters.files:,} files in {took}"
        left = self._weight.seconds_for(self.full_weight - self.weight)
        return f"{counters.ended:,}/{counters.files:,} files {speed}{_left(left)}"

    def jobs_text(self) -> str:
        counters = self.counters
        missing = counters.jobs_expected - counters.jobs_ended
        ended = f"{counters.jobs_ended:,}/{counters.jobs_expected:,} jobs"
        if counters.paused:
            return f"{ended}, {counters.paused:,} paused"
        left = self._ended.seconds_for(missing) if missing else None
        return f"{ended} {self._ended.per_second:.1f}/s{_left(left)}"

    def pause_text(self) -> str:
        """The pauses that stop jobs, and the commands that end them; empty without pauses."""
        if not self.counters.pauses:
            return ""
        return (
            f"paused by an operator: {pause_text.all_of(self.counters.pauses)}; "
            f"to resume: {pause_text.resume_commands(self.counters.pauses)}"
        )


def _left(seconds: float | None) -> str:
    return "" if seconds is None else f", {duration(max(1.0, seconds))} left"


class _Bars:
    interval = 0.2

    def __init__(self, figures: _Figures, screen: Console) -> None:
        self._figures = figures
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[text]}"),
            console=screen,
        )
        self._upload = self._progress.add_task("upload ", total=figures.full_weight, text="")
        self._jobs: TaskID | None = None
        if figures.jobs:
            self._jobs = self._progress.add_task("process", total=None, text="")
        self._warned = False
        self._pause = ""
        self._progress.start()

    def update(self) -> None:
        figures, counters = self._figures, self._figures.counters
        figures.measure()
        self._progress.update(self._upload, completed=figures.weight, text=figures.upload_text())
        if self._jobs is not None:
            self._progress.update(
                self._jobs,
                completed=counters.jobs_ended,
                total=counters.jobs_expected,
                text=figures.jobs_text(),
            )
        if figures.stalled and not self._warned:
            self._warned = True
            self._progress.console.print(_NOBODY_WORKS)
        if (pause := figures.pause_text()) != self._pause:
            self._pause = pause
            self._progress.console.print(pause or _RESUMED)

    def close(self) -> None:
        self.update()
        self._progress.stop()


class _Lines:
    interval = 0.5

    def __init__(self, figures: _Figures) -> None:
        self._figures = figures
        self._said = self._pause = ""
        self._due = time.monotonic()

    def update(self) -> None:
        self._figures.measure()
        if (pause := self._figures.pause_text()) != self._pause:
            self._pause = pause
            self._print(pause or _RESUMED)
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _LINE_SECONDS
            self._progress()

    def _progress(self) -> None:
        counters = self._figures.counters
        if not counters.ended:
            self._print(f"uploading {plural(counters.files, 'file')}, {size(counters.bytes_len)}")
            return
        line = f"uploaded {self._figures.upload_text()}"
        if self._figures.jobs:
            line += f"; finished {self._figures.jobs_text()}"
        self._print(_NOBODY_WORKS if self._figures.stalled else line)

    def _print(self, line: str) -> None:
        if line != self._said:
            self._said = line
            say(line)

    def close(self) -> None:
        """Do nothing; the summary follows."""
